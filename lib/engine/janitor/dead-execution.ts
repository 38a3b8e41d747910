import * as z from "zod";
import { taskIdSchema } from "../../contract/task-id.ts";

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const eventSchema = z.object({
  source: z.literal("aws.states"),
  detail: z.object({ name: z.string() }),
});

/**
 * The task whose execution has ended, as EventBridge tells it, and which of its executions that was; undefined for any other
 * event.
 */
export function taskOfExecution(event: unknown): { taskId: string; executionNumber: number } | undefined {
  const { data } = eventSchema.safeParse(event);
  const [, id, number] = /^(task_\w+)-(\d{1,9})$/.exec(data?.detail.name ?? "") ?? [];
  const { data: taskId } = taskIdSchema.safeParse(id);
  return taskId === undefined ? undefined : { taskId, executionNumber: Number(number) };
}
