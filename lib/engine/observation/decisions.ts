import type { Decision, Obligation } from "../../contract/observation/decision.ts";
import { hasEnded, isSettled, type Task } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";

/** What a write of a task decided; `before` is absent for one that was just made. */
export function decisionsOf(before: Task | undefined, after: Task, nowMs: number): Decision[] {
  const { id: taskId, owner, trace, createdAt } = after;
  const of = { taskId, owner, ...(trace && { trace }) };
  const since = (time: string) => Math.max(0, nowMs - Date.parse(time));
  if (!before) {
    const { profile, backend, taskType } = after;
    return [{ decision: "dispatched", ...of, ms: since(createdAt), profile, backend, taskType }];
  }
  const decisions: Decision[] = [];
  const { recoveries } = after;
  if (
    recoveries &&
    (recoveries.count !== before.recoveries?.count || recoveries.atPhase !== before.recoveries.atPhase)
  ) {
    const ms = Math.max(0, nowMs - (before.dueAtMs ?? nowMs));
    decisions.push({ decision: "recovered", ...of, ms, attempt: recoveries.count, status: after.status });
  }
  if (
    !after.orchestration &&
    before.workerSequence < FIRST_WORKER_SEQUENCE &&
    after.workerSequence >= FIRST_WORKER_SEQUENCE
  )
    decisions.push({ decision: "first_event", ...of, ms: since(createdAt) });
  if (before.status !== after.status) {
    const moved = {
      ...of,
      ms: since(before.phases[before.status] ?? createdAt),
      from: before.status,
      to: after.status,
    };
    decisions.push(
      hasEnded(after)
        ? { decision: "ended", ...moved, totalMs: since(createdAt), ...(after.error && { code: after.error.code }) }
        : { decision: "moved", ...moved },
    );
  }
  for (const obligation of Object.keys(after.obligations) as Obligation[])
    if (before.obligations[obligation] === undefined) decisions.push({ decision: "owed", ...of, obligation });
  if (isSettled(after) && Object.keys(before.obligations).length > 0)
    decisions.push({ decision: "settled", ...of, ms: since(after.phases[after.status] ?? createdAt) });
  return decisions;
}
