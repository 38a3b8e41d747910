import type { Task } from "../../contract/task.ts";
import type { TaskStore } from "../../store/port.ts";

type Round = Promise<Task | undefined>;

/** Those in this process who wait for one task, and what they are reading together. */
export class Waiters {
  count = 0;
  #round: Round | undefined;

  /** The read that is under way, or a new one: whoever comes meanwhile gets the same answer. */
  next(read: () => Round): Round {
    this.#round ??= read().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }
}

const known = new WeakMap<TaskStore, Map<string, Waiters>>();

/** Calls `wait` with all who wait for the task at the same time. */
export async function amongWaiters<T>(
  store: TaskStore,
  taskId: string,
  wait: (waiters: Waiters) => Promise<T>,
): Promise<T> {
  const ofStore = known.get(store) ?? new Map<string, Waiters>();
  known.set(store, ofStore);
  const waiters = ofStore.get(taskId) ?? new Waiters();
  ofStore.set(taskId, waiters);
  waiters.count += 1;
  try {
    return await wait(waiters);
  } finally {
    waiters.count -= 1;
    if (waiters.count === 0) ofStore.delete(taskId);
  }
}

/** What `work` resolves with, or undefined once `ms` are over or one of the signals is aborted, whatever it does then. */
export function within<T>(work: Promise<T>, ms: number, signals: readonly AbortSignal[]): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", leave);
      resolve(undefined);
    };
    const timer = setTimeout(leave, Math.max(0, ms));
    for (const signal of signals) signal.addEventListener("abort", leave);
    if (signals.some(({ aborted }) => aborted)) leave();
    work.then((value) => {
      resolve(value);
      leave();
    }, reject);
    work.catch(leave);
  });
}
