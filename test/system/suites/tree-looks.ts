import { RetryableError } from "../../../lib/contract/errors.ts";
import { isSettled, type Task } from "../../../lib/contract/task.ts";
import { inLanes } from "../../../lib/engine/in-lanes.ts";
import type { CloudSystem } from "../../emulators/cloud-system.ts";

const LANES = 8;
/** As the janitor does, which comes again. */
const RECOVERED_AT_ONCE = 10;

/** The tasks of an owner, as the store has them: one look at a time serves all who ask meanwhile, and what is settled is read once. */
export class TreeLooks {
  readonly #cloud: CloudSystem;
  readonly #owner: string;
  readonly #settled = new Map<string, Task>();
  readonly #recovered = new Map<string, number>();
  #recoveries = 0;
  #look: Promise<Task[]> | undefined;

  constructor(cloud: CloudSystem, owner: string) {
    this.#cloud = cloud;
    this.#owner = owner;
  }

  all(): Promise<Task[]> {
    this.#look ??= this.#read().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  async #read(): Promise<Task[]> {
    const { store } = this.#cloud;
    const ids: string[] = [];
    for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
      const query = { limit: 100, ...(cursor !== undefined && { cursor }) };
      const page = await patiently(() => store.list(this.#owner, query));
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    }
    // What a page says may lag behind.
    const tasks = await inLanes(LANES, ids, async (id) => this.#settled.get(id) ?? patiently(() => store.get(id)));
    const there = tasks.filter((task) => task !== undefined);
    for (const task of there) if (isSettled(task)) this.#settled.set(task.id, task);
    return there;
  }

  /** The executions of these that go on. */
  running(tasks: readonly Task[]) {
    const ids = new Set(tasks.map(({ id }) => id));
    const executions = [...this.#cloud.stepFunctions.executions.values()];
    return executions.filter(({ name, status }) => status === "RUNNING" && ids.has(taskOf(name)));
  }

  /** What the janitor does once it is due, for tasks that have no execution: for those first that it has not seen for longest. */
  async recoverDead(tasks: readonly Task[]): Promise<void> {
    const alive = new Set(this.running(tasks).map(({ name }) => taskOf(name)));
    const dead = tasks.filter((task) => !isSettled(task) && !alive.has(task.id));
    // What waits in the queue is brought on by those that have begun.
    const sinceOf = ({ id, status }: Task) => this.#recovered.get(id) ?? (status === "queued" ? -1 : -2);
    const ids = dead.toSorted((one, other) => sinceOf(one) - sinceOf(other)).map(({ id }) => id);
    const those = ids.slice(0, RECOVERED_AT_ONCE);
    this.#recoveries += 1;
    for (const id of those) this.#recovered.set(id, this.#recoveries);
    await patiently(() => this.#cloud.recover(...those));
  }
}

/** The name of an execution is that of its task, with its number. */
const taskOf = (name: string): string => name.slice(0, name.lastIndexOf("-"));

/** On a machine that is busy the store may take longer than its client waits. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
    }
  }
}
