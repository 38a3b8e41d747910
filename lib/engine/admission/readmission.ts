import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { queueEntry } from "../cancellation.ts";
import type { Ports } from "../ports.ts";
import { admit, beginInFamily } from "./admission.ts";
import { breather } from "./breather.ts";
import { giveBack } from "./lending.ts";

/** Tasks that wait, as one pass of the janitor finds them: each owner's queue is gone through once, however many there are. */
export class Readmission {
  readonly #ports: Ports;
  readonly #owners = new Set<string>();
  readonly #children: Task[] = [];

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** This one waits in its queue. */
  note(task: Task): void {
    this.#owners.add(task.owner);
    if (task.parent !== undefined) this.#children.push(task);
  }

  /** This one has waited past its time: it may never have got into its queue. */
  async add(task: Task): Promise<void> {
    await this.#ports.store.enqueue(queueEntry(task));
    this.note(task);
  }

  /** Lets begin what may. */
  async admit(): Promise<void> {
    const breathe = breather();
    for (const owner of this.#owners) {
      await this.#try(owner, () => freeSlots(this.#ports, owner));
      await this.#try(owner, () => admit(this.#ports, owner));
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

/** Gives back the slots of tasks that are over, or that nobody can steer any more: somebody waits, and a writer may have died between two writes. */
async function freeSlots(ports: Ports, owner: string): Promise<void> {
  const { running, byProfile } = await ports.store.listSlots(owner);
  const profileOf = new Map(
    Object.entries(byProfile).flatMap(([profile, ids]) => ids.map((id) => [id, profile] as const)),
  );
  for (const taskId of new Set([...running, ...profileOf.keys()])) {
    const task = await readableOrNewer(ports.store, taskId);
    if (task === "newer") continue;
    if (task && (!isTerminal(task.status) || task.obligations.slot !== undefined)) continue;
    if (task) await giveBack(ports, task);
    else await ports.store.releaseSlot(owner, { taskId, profile: profileOf.get(taskId) ?? "" });
  }
}
