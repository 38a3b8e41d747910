import type { Task } from "../../contract/task.ts";
import { removeStrayQueueItems, restoreQueueItem } from "../janitor/queue-items.ts";
import { freeSlots } from "../janitor/slots.ts";
import { tellQueueDepth } from "../observation/queue-depth.ts";
import type { Ports } from "../ports.ts";
import { admit, beginInFamily } from "./admission.ts";
import { breather } from "./breather.ts";

/** Tasks that wait, as one pass of the janitor finds them: each owner's queue is gone through once, however many there are. */
export class Readmission {
  readonly #ports: Ports;
  readonly #owners = new Set<string>();
  readonly #waiting = new Set<string>();
  readonly #children: Task[] = [];

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** Somebody had to bring on a task of this owner's: whoever was to do so may have left a slot as well. */
  saw({ owner }: Task): void {
    this.#owners.add(owner);
  }

  /** This one waits in its queue. */
  note(task: Task): void {
    this.#owners.add(task.owner);
    this.#waiting.add(task.owner);
    if (task.parent !== undefined) this.#children.push(task);
  }

  /** This one has waited past its time: it may never have got into its queue. */
  async add(task: Task): Promise<void> {
    await restoreQueueItem(this.#ports, task);
    this.note(task);
  }

  /** Lets begin what may. */
  async admit(): Promise<void> {
    const breathe = breather();
    for (const owner of this.#owners) {
      await this.#try(owner, () => freeSlots(this.#ports, owner));
      if (!this.#waiting.has(owner)) continue;
      await this.#try(owner, () => removeStrayQueueItems(this.#ports, owner));
      await this.#try(owner, () => admit(this.#ports, owner));
      await this.#try(owner, () => tellQueueDepth(this.#ports, owner));
    }
    for (const child of this.#children) {
      await breathe();
      await this.#try(child.owner, () => beginInFamily(this.#ports, child.id));
    }
  }

  async #try(owner: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#ports.log.error("the queue of an owner could not be gone through", { owner, error: String(error) });
    }
  }
}
