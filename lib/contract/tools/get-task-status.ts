import * as z from "zod";
import { taskEventSchema } from "../events.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { taskRecord } from "./task-record.ts";

const input = z.strictObject({
  task_id: field.taskId,
  events_after: z.number().int().min(0).optional().describe("Adds the events with a greater sequence, at most 200"),
});

export const getTaskStatus = {
  input,
  output: taskRecord.extend({ events: z.array(taskEventSchema).exactOptional(), eventsNext: z.int().exactOptional() }),
} satisfies ToolSchemas;
