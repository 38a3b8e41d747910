import { report } from "../report.ts";

type Status = "Healthy" | "HealthyBusy";

/**
 * What `/ping` answers. Busy keeps the machine alive, so it lasts from the start of a task until somebody has all of it, and
 * at most an hour, or what is configured, after its end. The time moves only with the status: a platform would take any other
 * change for activity, and never end the machine.
 */
export class Health {
  #status: Status = "Healthy";
  #since = unixSeconds();
  #idleSince = performance.now();
  readonly #uncollectedSeconds: number;
  #giveUp: NodeJS.Timeout | undefined;

  constructor(uncollectedSeconds: number) {
    this.#uncollectedSeconds = uncollectedSeconds;
  }

  /** For how long there was nothing to stay for, in milliseconds that the machine was awake; 0 while busy. */
  get idleMs(): number {
    return this.#status === "HealthyBusy" ? 0 : performance.now() - this.#idleSince;
  }

  get reply(): { status: Status; time_of_last_update: number } {
    return { status: this.#status, time_of_last_update: this.#since };
  }

  taskStarted(): void {
    clearTimeout(this.#giveUp);
    this.#set("HealthyBusy");
  }

  taskEnded(): void {
    if (this.#status === "Healthy") return;
    const giveUp = () => {
      report(`nobody collected the task within ${this.#uncollectedSeconds} s`);
      this.#set("Healthy");
    };
    this.#giveUp = setTimeout(giveUp, this.#uncollectedSeconds * 1000);
    this.#giveUp.unref();
  }

  taskCollected(): void {
    clearTimeout(this.#giveUp);
    this.#set("Healthy");
  }

  /** Nobody asks any more. */
  close(): void {
    clearTimeout(this.#giveUp);
  }

  #set(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#since = unixSeconds();
    this.#idleSince = performance.now();
  }
}

const unixSeconds = () => Math.floor(Date.now() / 1000);
