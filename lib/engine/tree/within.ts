import { RefusedError, taskNotFound } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports, ReadPorts } from "../ports.ts";

/** Who calls, as far as a door has proved it. */
export type Caller = {
  /** Whose tasks these are. */
  owner: string;
  /**
   * The task whose agent calls, with a token that is good for that task alone: what it dispatches is that task's, and what is below
   * it is all that is there.
   */
  within?: string;
};

/** What says how far a call reaches, and what is read to tell. */
type Reach = Pick<ReadPorts, "store" | "within">;

/** Whether a task is there for whoever calls: to the agent of a task only what is below that. */
export async function isReached({ store, within }: Reach, { id, parent, root }: Task): Promise<boolean> {
  if (within === undefined) return true;
  // What is in no tree, or is itself the root of one, is below nothing.
  if (root === undefined || id === within) return false;
  for (let above = parent; above !== undefined; above = (await readable(store, above))?.parent)
    if (above === within) return true;
  return false;
}

/** The task, where it is there for whoever calls. Throws RefusedError `task.not_found`. */
export async function reached(ports: Reach, task: Task): Promise<Task> {
  if (await isReached(ports, task)) return task;
  throw taskNotFound(task.id);
}

/**
 * The parent that a call gives the task which it dispatches: for the agent of a task, that task and no other. Throws RefusedError
 * `policy.denied` for another.
 */
export function parentFor({ within }: Pick<Ports, "within">, named: unknown): unknown {
  if (within === undefined || named === undefined || named === within) return within ?? named;
  throw new RefusedError("policy.denied", `the agent of task ${within} dispatches tasks of that task alone`, {
    hint: "leave metadata.parentTaskId out",
  });
}
