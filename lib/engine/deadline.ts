import { type Task, without } from "../contract/task.ts";
import type { PollReply } from "../contract/worker.ts";
import { withSession } from "./invocation-gate.ts";

/** A worker ends by itself at the deadline, and soon after a cancel; this much later, beside the grace, it will not. */
const OVERDUE_MS = 60_000;
/** What the clocks of two machines may differ by. */
const DRIFT_MS = 10_000;
/** The clock may have been set, or the machine have slept: so many polls in a row must fail before that ends a job. */
const MISSES_NEEDED = 3;

/** Whether the task should long have ended, by the clock. */
export function isOverdue({ deadlineAtMs, phases, limits }: Task, nowMs: number): boolean {
  const cancelledAtMs = phases.cancelling === undefined ? Number.POSITIVE_INFINITY : Date.parse(phases.cancelling);
  const endsAtMs = Math.min(deadlineAtMs ?? Number.POSITIVE_INFINITY, cancelledAtMs);
  return nowMs > endsAtMs + limits.graceSeconds * 1000 + OVERDUE_MS;
}

/** When somebody should look at a task again, in epoch milliseconds: at its deadline at the latest. */
export const dueAt = ({ deadlineAtMs }: { deadlineAtMs?: number | undefined }, atMs: number): number =>
  Math.min(atMs, deadlineAtMs ?? atMs);

/**
 * The task after its worker has answered, with the deadline as the worker counts it: its clock stands while the machine
 * sleeps, and nobody can set it.
 */
export function withDeadline(task: Task, { elapsedSeconds }: PollReply, nowMs: number): Task {
  const known = task.session ? { ...task, session: without(task.session, "overdueMisses") } : task;
  if (elapsedSeconds === undefined || known.deadlineAtMs === undefined) return known;
  const deadlineAtMs = nowMs + (known.limits.timeoutSeconds - elapsedSeconds) * 1000;
  return Math.abs(deadlineAtMs - known.deadlineAtMs) > DRIFT_MS ? { ...known, deadlineAtMs } : known;
}

/** Counts that a task which is overdue could not be asked, and says whether nobody waits for its worker any longer. */
export function countMiss(task: Task): { task: Task; isLast: boolean } {
  const overdueMisses = (task.session?.overdueMisses ?? 0) + 1;
  return { task: withSession(task, { overdueMisses }), isLast: overdueMisses >= MISSES_NEEDED };
}
