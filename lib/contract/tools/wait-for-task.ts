import * as z from "zod";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { taskRecord } from "./task-record.ts";

const input = z.strictObject({
  task_id: field.taskId,
  timeout_seconds: field.waitSeconds.optional().describe("Default 25, at most 45"),
});

export const waitForTask = {
  input,
  output: taskRecord.extend({
    timedOutWaiting: z.boolean().exactOptional(),
    askAgainSeconds: field.askAgainSeconds,
  }),
} satisfies ToolSchemas;
