import { isSettled, RETENTION_DAYS, type Task, without } from "../contract/task.ts";
import { fitted } from "./task-size.ts";

/**
 * What every write of a task does last: it stays as small as it has to be, and gets the next revision, the time, and, once
 * the task is settled, the end of its openness and the beginning of its retention, which a store may count from a better
 * time than the clock's.
 */
export function stamp(task: Task, nowMs: number, retentionDays = RETENTION_DAYS, keptFromMs = nowMs): Task {
  const next = fitted({ ...task, revision: task.revision + 1, updatedAt: new Date(nowMs).toISOString() });
  if (!isSettled(next)) return next;
  const settled = without(next, "dueAtMs", "lease");
  return { ...settled, expiresAtSeconds: Math.ceil(keptFromMs / 1000) + retentionDays * 86_400 };
}
