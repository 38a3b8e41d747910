import * as z from "zod";
import { nameSchema } from "../configuration.ts";
import { conversationIdSchema } from "../task-id.ts";
import { aliases } from "./aliases.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { taskHandle } from "./task-handle.ts";

const input = z.strictObject({
  instruction: field.text(field.MAX_INSTRUCTION).optional().describe("What the agent should do, complete in itself"),
  goal: field.text(20_000).optional().describe("The larger purpose, shown to the agent"),
  context: field.json(field.MAX_OBJECT).optional().describe("Facts the agent needs, by name"),
  runtime: field.name.optional().describe("Runtime profile; left out, the default one"),
  framework: field.name.optional(),
  model: z
    .union([field.line(500), field.json(16_000)], "must be a text of at most 500 characters or an object")
    .optional(),
  protocol: field.protocol.optional(),
  runtime_tools: field.json(64_000).optional(),
  environment_variables: z.record(z.string(), z.string()).optional().describe("Set for the job; never credentials"),
  timeout_seconds: field.timeoutSeconds.optional(),
  group: field.unlistedInput(nameSchema),
  cache: field.unlistedInput(z.boolean()),
  conversation: conversationIdSchema.optional().describe("From a handle: goes on with its agent"),
  ...field.answerFields,
  idempotency_key: field.idempotencyKey
    .optional()
    .describe("Send again with the same key after a lost answer: runs once"),
  provider: field.name.optional(),
  account_profile: field.name.optional(),
  target: field.target.optional(),
  runtime_arn: field.line(2048).optional(),
  ecr_image_uri: field.line(2048).optional(),
  execution_role_arn: field.line(2048).optional(),
  caller: z
    .union([field.text(2_000), field.json(16_000)], "must be a text of at most 2000 characters or an object")
    .optional()
    .describe("Who asks, shown to the agent"),
  metadata: field.metadata.optional().describe("parentTaskId names the task that dispatched it"),
});
export type SpawnCall = z.output<typeof input>;

const question = z.object({
  id: z.string(),
  question: z.string(),
  choices: z.array(z.string()).exactOptional(),
});
export type Question = z.infer<typeof question>;

/** What a spawn answers instead of failing late: the answers are fields of the next call. */
const clarification = z.object({
  status: z.literal("needs_clarification"),
  retry_tool: z.literal("spawn_cloud_agent"),
  questions: z.array(question),
  available_runtimes: z.array(
    z.object({
      name: z.string(),
      provider: z.string(),
      protocol: z.string().exactOptional(),
      framework: z.string().exactOptional(),
      model: z.union([z.string(), field.object]).exactOptional(),
    }),
  ),
});
export type Clarification = z.infer<typeof clarification>;

export const spawnCloudAgent = {
  input,
  output: z.union([taskHandle, clarification]),
  aliases,
  open: true,
} satisfies ToolSchemas;
