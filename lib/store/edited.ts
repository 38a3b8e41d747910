import { assertTransition, isTerminal } from "../contract/lifecycle.ts";
import type { Task } from "../contract/task.ts";
import type { Child } from "./port.ts";
import { stamp } from "./stamp.ts";

export type Edit = (task: Task) => Task | undefined;

/**
 * What every store writes for an edit of a task; undefined where it leaves the task as it is. An edit changes neither whose
 * the task is nor an end. Throws TransitionRefusedError, and what the edit throws. For `keptFromMs` see `stamp`.
 */
export function edited(
  before: Task,
  edit: Edit,
  { nowMs, retentionDays, keptFromMs }: { nowMs: number; retentionDays?: number | undefined; keptFromMs?: number },
): Task | undefined {
  const after = edit(before);
  if (!after) return undefined;
  if (isTerminal(before.status) && after.status !== before.status) assertTransition(before.status, after.status);
  const { id, owner, createdAt, revision } = before;
  return stamp({ ...after, id, owner, createdAt, revision }, nowMs, retentionDays, keptFromMs);
}

/** A task as a child of its parent, which it is from before it can be read. */
export function asChild({ id, parent, createdAt }: Task): Child | undefined {
  return parent === undefined ? undefined : { parent, taskId: id, atMs: Date.parse(createdAt) };
}
