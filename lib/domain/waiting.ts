import { canBeAsked } from "./absorbing.ts";
import { complete, isCompleting } from "./completing.ts";
import { RetryableError, taskNotFound } from "./errors.ts";
import { isTerminal } from "./lifecycle.ts";
import type { Ports } from "./ports.ts";
import { pull } from "./pull.ts";
import type { Task } from "./task.ts";

export type Wait = {
  timeoutSeconds: number;
  signal?: AbortSignal;
  until(task: Task): boolean;
  /** Called with each new state of the task that was seen. */
  onChange?(task: Task): void | Promise<void>;
};

/**
 * Waits until the task is as wanted, has ended, or the time is over. Whoever waits does the looking: it asks the worker
 * itself, unless somebody else is asking, and then watches the store. Throws RefusedError `task.not_found`.
 */
export async function waitForTask(
  ports: Ports,
  taskId: string,
  wait: Wait,
): Promise<{ task: Task; timedOut: boolean }> {
  const deadline = ports.steady() + wait.timeoutSeconds * 1000;
  let task = await ports.store.get(taskId);
  for (let seen = -1; ; ) {
    if (!task) throw taskNotFound(taskId);
    if (task.revision > seen) await wait.onChange?.(task);
    seen = Math.max(seen, task.revision);
    if (wait.until(task) || isTerminal(task.status)) return { task, timedOut: false };
    const leftMs = deadline - ports.steady();
    if (leftMs <= 0 || wait.signal?.aborted || ports.closing.aborted) return { task, timedOut: true };
    task = (await look(ports, task, leftMs)) ?? (await watchStore(ports, task, leftMs, wait.signal));
  }
}

/**
 * Asks the worker, or finishes what it has ended. Undefined when there is nothing to ask, somebody else does, or it cannot
 * be done now: a store that takes no writes for a while can often still be read, and whoever waits has time.
 */
async function look(ports: Ports, task: Task, leftMs: number): Promise<Task | undefined> {
  try {
    if (canBeAsked(task)) return await pull(ports, task.id, { waitSeconds: Math.min(10, leftMs / 1000) });
    if (!isCompleting(task)) return undefined;
    const next = await complete(ports, task);
    return isCompleting(next) ? undefined : next;
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    ports.log.warn("whoever waits could not look", { taskId: task.id, error: String(error) });
    return undefined;
  }
}

async function watchStore(ports: Ports, task: Task, leftMs: number, signal?: AbortSignal): Promise<Task | undefined> {
  await ports.store.waitForChange(task.id, task.revision, Math.min(1000, leftMs), signal);
  return ports.store.get(task.id);
}
