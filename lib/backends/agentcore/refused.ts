import { factsOf } from "../../contract/error-codes.ts";
import { DispatchError } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";

/**
 * Whether AWS refuses to undo something for the reason for which the task failed before any worker had answered: then
 * what would have made it was refused as well. Without this a task that names a role which nobody may assume would stay
 * open, and hold its place, for ever.
 */
export function isRefusedAlike(task: Task, error: unknown): boolean {
  if (task.session?.bootId !== undefined || !(error instanceof DispatchError)) return false;
  const { retryable, delivered } = factsOf(error.code);
  // Credentials that are missing may be there later, but what is missing now has made nothing either.
  const isRefusal = delivered === "no" && (!retryable || error.code === "platform.credentials");
  return error.code === task.error?.code && isRefusal;
}
