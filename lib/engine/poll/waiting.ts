import { RetryableError, taskNotFound } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import { complete } from "../completion.ts";
import type { Ports } from "../ports.ts";
import { canBeAsked, isCompleting } from "./apply-reply.ts";
import { poll } from "./poll.ts";
import { amongWaiters, within } from "./shared-wait.ts";

export type Wait = {
  timeoutSeconds: number;
  signal?: AbortSignal;
  until(task: Task): boolean;
  /** Called with each new state of the task that was seen. */
  onChange?(task: Task): void | Promise<void>;
  /** Whether more of the same may follow at once: the more wait, the longer each lets it gather before it returns. */
  gathers?: boolean;
};

/** All who follow a task in this process are answered so often together: this long apart, and at most a second in all. */
const GATHER_MS = 5;
const MAX_GATHER_MS = 1000;

/**
 * Waits until the task is as wanted, has ended, or the time is over. Whoever waits does the polling: it asks the worker
 * itself, unless somebody else is asking, and then watches the store; in one process one does it for all. Throws
 * RefusedError `task.not_found`.
 */
export function waitForTask(ports: Ports, taskId: string, wait: Wait): Promise<{ task: Task; timedOut: boolean }> {
  const deadline = ports.steady() + wait.timeoutSeconds * 1000;
  const signals = [ports.closing, ...(wait.signal ? [wait.signal] : [])];
  return amongWaiters(ports.store, taskId, async (waiters) => {
    let task = await ports.store.get(taskId);
    for (let seen = -1; ; ) {
      if (!task) throw taskNotFound(taskId);
      if (task.revision > seen) await wait.onChange?.(task);
      seen = Math.max(seen, task.revision);
      const leftMs = deadline - ports.steady();
      if (wait.until(task) || isTerminal(task.status)) {
        const gatherMs = Math.min(GATHER_MS * waiters.count, MAX_GATHER_MS, leftMs);
        if (wait.gathers && !isTerminal(task.status)) await within(new Promise(() => {}), gatherMs, signals);
        return { task, timedOut: false };
      }
      if (leftMs <= 0 || signals.some(({ aborted }) => aborted)) return { task, timedOut: true };
      const known: Task = task;
      task =
        (await within(
          waiters.next(() => nextState(ports, known, leftMs)),
          leftMs,
          signals,
        )) ?? known;
    }
  });
}

/** The task as it stands once it may have changed, or soon. Throws RefusedError `task.not_found`. */
async function nextState(ports: Ports, task: Task, leftMs: number): Promise<Task> {
  const polled = await pollOrComplete(ports, task, leftMs);
  if (polled) return polled;
  await ports.store.waitForChange(task.id, task.revision, Math.min(1000, leftMs), ports.closing);
  const next = await ports.store.get(task.id);
  if (!next) throw taskNotFound(task.id);
  return next;
}

/**
 * Asks the worker, or finishes what it has ended. Undefined when there is nothing to ask, somebody else does, or it cannot
 * be done now: a store that takes no writes for a while can often still be read, and whoever waits has time.
 */
async function pollOrComplete(ports: Ports, task: Task, leftMs: number): Promise<Task | undefined> {
  try {
    if (canBeAsked(task)) return await poll(ports, task.id, { waitSeconds: leftMs / 1000 });
    if (!isCompleting(task)) return undefined;
    const next = await complete(ports, task);
    return isCompleting(next) ? undefined : next;
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    ports.log.warn("whoever waits could not poll", { taskId: task.id, error: String(error) });
    return undefined;
  }
}
