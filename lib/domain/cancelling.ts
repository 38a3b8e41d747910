import { canBeAsked } from "./absorbing.ts";
import { taskTerminal } from "./errors.ts";
import { isCancellable } from "./lifecycle.ts";
import type { Ports } from "./ports.ts";
import { settle } from "./pull.ts";
import { foreignOf, invokeOnce } from "./session.ts";
import { type Task, transition, without } from "./task.ts";
import { CONTRACT } from "./worker-contract.ts";

/**
 * Cancels a task: one that is queued is cancelled at once, any other becomes `cancelling` and its worker is told; whoever
 * looks next brings it to `cancelled`. Cancelling again changes nothing. Throws RefusedError `task.terminal` once the
 * job has ended, because then its result stands.
 */
export async function cancelTask(ports: Ports, { id }: Pick<Task, "id">): Promise<Task> {
  const task = await settle(ports, () => ports.store.change(id, (current) => askedToCancel(current, ports.now())));
  if (task.status === "cancelled") {
    await ports.store.dequeue(queueEntry(task));
    return task;
  }
  if (canBeAsked(task)) await tellWorker(ports, task);
  return task;
}

function askedToCancel(task: Task, nowMs: number): Task | undefined {
  if (task.status === "cancelling") return undefined;
  if (!isCancellable(task.status)) throw taskTerminal(task.id, task.status);
  const next = without(task, "env");
  if (task.status === "queued") return transition(next, "cancelled", nowMs);
  return { ...transition(next, "cancelling", nowMs), dueAtMs: nowMs + 60_000 };
}

/** The entry under which a task stands in its owner's queue. */
export function queueEntry(task: Task) {
  return { owner: task.owner, taskId: task.id, profile: task.profile, queuedAtMs: Date.parse(task.createdAt) };
}

/** A worker that cannot be told now is told by the next pull. */
async function tellWorker(ports: Ports, task: Task): Promise<void> {
  try {
    // Whoever holds the call of a foreign runtime sees it in the task.
    if (foreignOf(ports, task)) return;
    await invokeOnce(ports, task.id, 5000, (current) => ({
      contract: CONTRACT,
      op: "cancel",
      bootId: current.session?.bootId ?? "",
      taskId: task.id,
      graceSeconds: task.limits.graceSeconds,
    }));
  } catch (error) {
    ports.log.info("the worker could not be told to cancel; the next look will", {
      taskId: task.id,
      error: String(error),
    });
  }
}
