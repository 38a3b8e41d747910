import * as z from "zod";
import { cancelTask as cancel } from "../../engine/cancellation.ts";
import * as field from "./fields.ts";
import { ownTask, shape, tool } from "./tool.ts";

const input = z.strictObject({
  task_id: field.taskId,
  cascade: z.boolean().optional().describe("false spares the tasks that it dispatched (default true)"),
});

/** Ends a task that has not ended by itself. */
export const cancelTask = tool({
  name: "cancel_task",
  title: "Cancel a task",
  description:
    "Stops a task, everything it runs and the tasks that it dispatched. The answer is cancelled, or cancelling while it is being stopped " +
    "(wait_for_task returns once it is). A task that is completing or has ended is refused with task.terminal.",
  input,
  output: shape({ taskId: "string", status: "string" }),
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: true },
  run: async (context, { task_id, cascade = true }) => {
    const task = await cancel(context.ports, await ownTask(context, task_id), { cascade });
    return { structured: { taskId: task.id, status: task.status, ...(task.error && { error: task.error }) } };
  },
});
