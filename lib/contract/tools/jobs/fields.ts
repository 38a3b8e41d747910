import * as z from "zod";
import { nameSchema } from "../../configuration.ts";
import { MAX_TIMEOUT_SECONDS } from "../../limits.ts";
import * as field from "../fields.ts";

/**
 * What the tools of the toolset `agents` take. The names, also of what they answer, are those of the Python program of the
 * same name, so that prompts that were written for it go on working: https://pypi.org/project/agent-dispatch/
 */

/** A text that may be empty, which is as if it were left out. */
const orEmpty = <Output>(type: z.ZodType<Output, string>) =>
  z
    .string()
    .transform((value) => (value === "" ? undefined : value))
    .pipe(type.optional())
    .optional();

/** What gives up sooner would not begin. */
const LEAST_SECONDS = 10;
const MOST_SUMMARY = 8_000;

export const agentName = nameSchema.describe("Of the agent, as list_agents names it");
const task = field
  .text(field.MAX_INSTRUCTION)
  .min(1, "must not be empty")
  .describe("What it should do, complete in itself");

/** A job is a task, by its id with or without the prefix. */
export const jobId = z
  .string()
  .regex(/^(?:task_)?[0-9a-f]{32}$/, "must be a job id: 32 hexadecimal digits")
  .transform((id) => (id.startsWith("task_") ? id : `task_${id}`));

/** The other way round. */
export const jobIdOf = (taskId: string): string => taskId.replace(/^task_/, "");

/** A conversation, by its id with or without the prefix. */
export const sessionId = orEmpty(
  z
    .string()
    .regex(/^(?:conv_|task_)?[0-9a-f]{32}$/, "must be the session_id of an earlier answer")
    .transform((id) => `conv_${id.replace(/^(?:conv_|task_)/, "")}`),
);

const context = z
  .union([field.text(field.MAX_OBJECT), field.json(field.MAX_OBJECT)], "must be a text or an object")
  .optional()
  .describe("Facts that it needs");
const caller = orEmpty(field.text(2_000)).describe("Who asks, shown to the agent");
const goal = orEmpty(field.text(20_000)).describe("The larger purpose, shown to the agent");
const responseFormat = z
  .union([z.literal(""), field.answerFields.response_format.unwrap()])
  .transform((value) => (value === "" ? undefined : value))
  .optional()
  .meta({ description: '"json" or {type:"json",schema}: parsed_result', described: true });
const timeoutSeconds = z
  .number()
  .min(0)
  .max(MAX_TIMEOUT_SECONDS)
  .transform((seconds) => (seconds === 0 ? undefined : Math.max(LEAST_SECONDS, seconds)))
  .optional()
  .describe("0: as the agent has it");
export const aggregator = orEmpty(nameSchema);
export const group = orEmpty(nameSchema).describe("Tells it the facts that its group shares");
export const returnRef = z.boolean().optional().describe("Answer with a summary and a ref for fetch_result");
export const summaryChars = z
  .number()
  .int()
  .min(0)
  .transform((chars) => Math.min(MOST_SUMMARY, Math.max(1, chars)))
  .optional()
  .describe("Default 500");
export const idempotencyKey = field.unlistedInput(field.idempotencyKey);

/** Whether an earlier answer to the same request will do; left out, as the configuration says. */
export const cache = field.unlistedInput(z.boolean());

/** What an agent is asked, in each of these tools. */
export const asked = {
  agent: agentName,
  task,
  context,
  caller,
  goal,
  response_format: responseFormat,
  timeout_seconds: timeoutSeconds,
};
