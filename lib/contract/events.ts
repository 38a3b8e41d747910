import * as z from "zod";
import type { Problem } from "./errors.ts";
import { isTerminal } from "./lifecycle.ts";
import type { Task } from "./task.ts";

/**
 * The control plane's own events have fixed numbers, so that writing one again changes nothing: those before the start
 * lie below the worker's (which begin at 100), those of the end above, and are written once the task is terminal, so that
 * a reader that follows by number misses nothing.
 */
export const sequences = {
  "task.created": 1,
  "task.provisioning": 2,
  "runtime.provisioned": 3,
  "session.created": 4,
  "task.started": 5,
  "task.cancelling": 1_000_000_000,
  "task.result": 1_000_000_001,
  "task.succeeded": 1_000_000_002,
  "task.failed": 1_000_000_002,
  "task.cancelled": 1_000_000_002,
} as const;

/** One numbered fact about a task; the timestamp is RFC 3339. */
export const taskEventSchema = z.object({
  taskId: z.string(),
  sequence: z.number(),
  type: z.string(),
  timestamp: z.string(),
  message: z.string().exactOptional(),
  payload: z.record(z.string(), z.unknown()).exactOptional(),
});
export type TaskEvent = z.infer<typeof taskEventSchema>;

/** One of the control plane's own events, with its fixed number. `atMs` is epoch milliseconds. */
export function ownEvent(
  taskId: string,
  type: keyof typeof sequences,
  atMs: number,
  message?: string,
  payload?: Record<string, unknown>,
): TaskEvent {
  return {
    taskId,
    sequence: sequences[type],
    type,
    timestamp: new Date(atMs).toISOString(),
    ...(message !== undefined && { message }),
    ...(payload !== undefined && { payload }),
  };
}

/** The events of the end, derived from the settled task alone: whoever writes them writes the same. */
export function finalEvents(task: Task): TaskEvent[] {
  const at = (status: keyof Task["phases"]) => Date.parse(task.phases[status] ?? task.updatedAt);
  const events: TaskEvent[] = [];
  if (!isTerminal(task.status)) return events;
  // The first step may not have been there to write it.
  if (!task.phases.starting) events.push(ownEvent(task.id, "task.created", Date.parse(task.createdAt)));
  if (task.phases.cancelling) events.push(ownEvent(task.id, "task.cancelling", at("cancelling")));
  if (task.outcome) events.push(ownEvent(task.id, "task.result", task.outcome.atMs));
  if (task.status === "succeeded") events.push(ownEvent(task.id, "task.succeeded", at("succeeded")));
  if (task.status === "cancelled") events.push(ownEvent(task.id, "task.cancelled", at("cancelled")));
  if (task.status === "failed") {
    const error = task.error as Problem;
    events.push(ownEvent(task.id, "task.failed", at("failed"), error.message, { code: error.code }));
  }
  return events;
}
