import type { Tool } from "../tool.ts";

/** Ends a task that has not ended by itself. */
export const cancelTask: Tool = {
  name: "cancel_task",
  forJobs: true,
  title: "Cancel a task",
  description:
    "Stops a task, everything it runs and the tasks that it dispatched. The answer is cancelled, or cancelling while it is " +
    "being stopped. One that has ended is refused with task.terminal.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: true },
  call: (tasks, given) => tasks.cancel(given),
};
