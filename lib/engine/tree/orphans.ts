import { hasEnded, type Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";
import { limitsOf } from "./limits.ts";

type Configured = Pick<Ports, "configuration">;

/** Whether what a task dispatched goes on without it. */
const keepsOrphans = (ports: Configured, task: Task): boolean => limitsOf(ports, task).orphans === "keep";

/**
 * Whether nothing below a task begins any more: it was called off, or has ended and leaves nothing. One that was cancelled
 * alone leaves all.
 */
export const leavesNothing = (ports: Configured, task: Task): boolean =>
  task.calledOff === true || (hasEnded(task) && task.status !== "cancelled" && !keepsOrphans(ports, task));

/**
 * Whether a task itself dispatches nothing any more: what it is made of, or what its agent asks for. What was dispatched before
 * may go on, where it was cancelled alone.
 */
export const beginsNothing = (task: Task): boolean =>
  task.calledOff === true || task.status === "cancelling" || hasEnded(task);

/** Whether what is below a task that has ended is still to be cancelled. */
export const owesBelow = (ports: Configured, task: Task): boolean =>
  task.obligations.children !== undefined || (task.obligations.dispatched === true && !keepsOrphans(ports, task));
