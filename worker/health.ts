import { MAX_UNCOLLECTED_SECONDS } from "../lib/domain/worker-contract.ts";

type Status = "Healthy" | "HealthyBusy";

/**
 * What `/ping` answers. Busy keeps the machine alive, so it lasts from the start of a task until somebody has all of
 * it, and at most an hour after its end. The time moves only with the status: a platform would take any other change
 * for activity, and never end the machine.
 */
export class Health {
  #status: Status = "Healthy";
  #since = unixSeconds();
  #giveUp: NodeJS.Timeout | undefined;

  get reply(): { status: Status; time_of_last_update: number } {
    return { status: this.#status, time_of_last_update: this.#since };
  }

  taskStarted(): void {
    clearTimeout(this.#giveUp);
    this.#set("HealthyBusy");
  }

  taskEnded(): void {
    if (this.#status === "Healthy") return;
    this.#giveUp = setTimeout(() => this.#set("Healthy"), MAX_UNCOLLECTED_SECONDS * 1000);
    this.#giveUp.unref();
  }

  taskCollected(): void {
    clearTimeout(this.#giveUp);
    this.#set("Healthy");
  }

  #set(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#since = unixSeconds();
  }
}

const unixSeconds = () => Math.floor(Date.now() / 1000);
