import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const input = z.strictObject({
  task_id: field.taskId,
  cascade: z.boolean().optional().describe("false spares the tasks that it dispatched (default true)"),
});

export const cancelTask = {
  input,
  output: z.object({ taskId: z.string(), status: z.enum(statuses), error: field.unlisted(field.problem) }),
} satisfies ToolSchemas;
