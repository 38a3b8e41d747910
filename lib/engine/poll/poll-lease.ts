import { isTerminal } from "../../contract/lifecycle.ts";
import { type Task, without } from "../../contract/task.ts";
import { randomHex } from "../../contract/task-id.ts";
import { beginInvocation, endInvocation, isOver } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";

/** Longer than any poll takes that does not renew it, so that one is over when another may begin. */
const LEASE_MS = 15_000;
/** After a failed poll nobody polls for this long: failures that are counted are this far apart at the least. */
const PAUSE_MS = 500;

/** The lease of whoever polls a task: the task as it stood when it was taken, and what ends it, in the same write as `edit`. */
export type Lease = {
  task: Task;
  /** Until when its invocation is noted, in epoch milliseconds: `boundsOf` says what that leaves. */
  untilMs: number;
  /**
   * Keeps the others away for as long again, in the same write as `edit`; a lease that lapsed is taken back from whoever
   * took it. Nothing is written when `edit` returns undefined.
   */
  renew(edit: (task: Task) => Task | undefined): Promise<Task>;
  /**
   * After an error a pause follows. What was sent and may still arrive stays noted: for `lateMs`, or after an error that
   * leaves it open for as long as it may last.
   */
  end(edit: (task: Task) => Task, error?: unknown, lateMs?: number): Promise<Task>;
};

/**
 * Takes the lease of a task, in its item, and notes an invocation as in flight, in the same write as `begin`. Undefined when
 * another holds the lease, when the last poll failed just now, or when `begin` says that there is nothing to ask.
 */
export async function takeLease(
  ports: Ports,
  taskId: string,
  timeoutMs: number,
  begin: (task: Task) => Task | undefined,
): Promise<Lease | undefined> {
  const holder = randomHex(8);
  const isTaken = ({ lease }: Task): boolean => {
    const leftMs = (lease?.untilMs ?? 0) - ports.now();
    // Longer than any lease lasts: the clock was set back.
    return leftMs > 0 && leftMs <= 2 * LEASE_MS;
  };
  const leased = (task: Task): Task => {
    const now = ports.now();
    const dueAtMs = now + (ports.pace.maxPauseSeconds + 120) * 1000;
    return { ...task, lease: { holder, untilMs: now + LEASE_MS }, dueAtMs };
  };
  const begun = await beginInvocation(ports, taskId, timeoutMs, (task) => {
    const next = begin(task);
    return next && !isTaken(task) ? leased(next) : undefined;
  });
  if (!begun) return undefined;
  const { task, invocation, untilMs } = begun;

  const release = (current: Task, failed: boolean): Task => {
    if (current.lease?.holder !== holder) return current;
    if (failed) return { ...current, lease: { holder, untilMs: ports.now() + PAUSE_MS } };
    return without(current, "lease");
  };
  return {
    task,
    untilMs,
    renew: (edit) =>
      ports.store.change(taskId, (current) => {
        const next = edit(current);
        return next && !isTerminal(next.status) ? leased(next) : next;
      }),
    end: (edit, error, lateMs = 0) => {
      const released = (current: Task) => edit(release(current, error !== undefined));
      const isNoted = lateMs === 0 && !isOver(error);
      return isNoted
        ? ports.store.change(taskId, released)
        : endInvocation(ports, taskId, invocation, released, lateMs);
    },
  };
}
