import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

/** Longest message, in characters. */
const MAX_TEXT = 16_000;

const input = z.strictObject({
  task_id: field.taskId,
  text: field.text(MAX_TEXT).min(1),
  timeout_seconds: field.waitSeconds.optional(),
});

/** `reply` is what the agent said to it; `question` what it asks now; without either it has not answered yet. */
export const a2aSend = {
  input,
  output: z.object({
    taskId: z.string(),
    status: field.unlisted(z.enum(statuses)),
    reply: z.string().exactOptional(),
    question: field.unlisted(z.string()),
    error: field.unlisted(field.problem),
  }),
} satisfies ToolSchemas;
