import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

/** Longest message, in characters. */
const MAX_MESSAGE = 16_000;
const MAX_RESPONSES = 32_000;

const input = z.strictObject({
  task_id: field.taskId,
  responses: field.json(MAX_RESPONSES).optional().describe("By key of inputRequests: value, fields or {action}"),
  message: field.text(MAX_MESSAGE).min(1).optional(),
});

/**
 * `received`: answers are kept and will be delivered; `delivered`: the worker has them, else `reason` and `hint` say why not
 * yet, and what to do. `inputRequests` is what is still asked.
 */
export const sendTaskInput = {
  input,
  output: z.object({
    taskId: z.string(),
    status: field.unlisted(z.enum(statuses)),
    received: field.unlisted(z.boolean()),
    delivered: field.unlisted(z.boolean()),
    reason: field.unlisted(z.string()),
    hint: field.unlisted(z.string()),
    inputRequests: field.unlisted(field.object),
  }),
} satisfies ToolSchemas;
