import * as z from "zod";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { taskHandle } from "./task-handle.ts";

const input = z.strictObject({
  provider: field.name,
  account_profile: field.name,
  capability: field.name.describe("agent-runtime"),
  backend: field.name.optional(),
  task_type: field.taskType,
  target: field.targetWithMode,
  input: field
    .json(field.MAX_OBJECT)
    .describe(
      "command.run: command, args?, cwd?, env?, stdin?, shell?, timeoutSeconds?; " +
        "agent.run: instruction, context?, framework?, model?, runtime_tools?, timeoutSeconds?; " +
        "parallel.run: items; dialogue.run: requester, responder, topic",
    ),
  metadata: field.metadata.optional().describe("parentTaskId names the task that dispatched it"),
  timeout_seconds: field.timeoutSeconds.optional(),
  ...field.answerFields,
  idempotency_key: field.idempotencyKey.optional(),
});

export const dispatchTask = { input, output: taskHandle } satisfies ToolSchemas;
