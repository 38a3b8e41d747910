import { TransitionRefusedError } from "./errors.ts";

export const statuses = [
  "queued",
  "provisioning",
  "starting",
  "running",
  "input_required",
  "completing",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type Status = (typeof statuses)[number];

/** The one table of allowed transitions. From `completing` on the result stands, so no cancel leads out of it. */
export const transitions: Readonly<Record<Status, readonly Status[]>> = {
  queued: ["provisioning", "cancelling", "cancelled", "failed"],
  provisioning: ["starting", "cancelling", "failed"],
  starting: ["running", "cancelling", "failed"],
  running: ["input_required", "completing", "cancelling", "failed"],
  input_required: ["running", "completing", "cancelling", "failed"],
  completing: ["succeeded", "failed"],
  cancelling: ["cancelled", "failed"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** Whether status, result and error can never change again. */
export const isTerminal = (status: Status): boolean => transitions[status].length === 0;

/** Whether a cancel is still possible. */
export const isCancellable = (status: Status): boolean => transitions[status].includes("cancelling");

/** Throws TransitionRefusedError unless the table allows the step. */
export function assertTransition(from: Status, to: Status): void {
  if (!transitions[from].includes(to)) throw new TransitionRefusedError(from, to);
}
