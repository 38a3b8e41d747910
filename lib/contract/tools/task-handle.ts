import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import * as field from "./fields.ts";

/** What a caller gets at once for a task, and can turn into its result at any later time. */
export const taskHandle = z.object({
  taskId: z.string(),
  status: z.enum(statuses),
  provider: z.string(),
  accountProfile: z.string(),
  capability: z.string(),
  backend: z.string(),
  poll: z.object({
    statusTool: z.literal("get_task_status"),
    logsTool: z.literal("get_task_logs"),
    resultTool: z.literal("get_task_result"),
  }),
  /** The one that this task begins or goes on with, for `conversation` of the next call. */
  conversation: field.unlisted(z.string()),
  /** It is an earlier task, whose answer serves this call. */
  cached: field.unlisted(z.literal(true)),
  cloudAgent: field.object.exactOptional(),
});
export type TaskHandle = z.infer<typeof taskHandle>;
