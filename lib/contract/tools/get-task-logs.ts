import * as z from "zod";
import { MAX_LOG_REPLY_LENGTH } from "../limits.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const input = z.strictObject({
  task_id: field.taskId,
  cursor: z.number().int().min(0).optional().describe("0, then nextCursor of the reply before"),
  limit: z
    .number()
    .int()
    .min(1)
    .max(MAX_LOG_REPLY_LENGTH)
    .optional()
    .describe("Most characters; left out, a reply of 16,000"),
  wait_seconds: field.waitSeconds.optional().describe("How long to wait for new text: default 0, at most 45"),
});

const output = z.object({
  taskId: z.string(),
  cursor: z.int(),
  nextCursor: z.int(),
  data: z.string(),
  /** At the end of a log whose rest was not kept. */
  logTruncated: z.boolean().exactOptional(),
  askAgainSeconds: field.askAgainSeconds,
});

export const getTaskLogs = { input, output } satisfies ToolSchemas;
