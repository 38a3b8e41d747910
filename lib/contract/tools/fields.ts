import * as z from "zod";
import { protocols, targetModes, taskTypes } from "../kinds.ts";
import { MAX_TIMEOUT_SECONDS } from "../limits.ts";
import { asKnown, saidProblem } from "../said-problem.ts";
import { taskIdSchema } from "../task-id.ts";

/** Clients give a call up after 60 s or later. */
const MAX_WAIT_SECONDS = 45;
/** Longest instruction, in characters; longer material belongs in a file or a repository. */
export const MAX_INSTRUCTION = 400_000;
export const MAX_OBJECT = 512 * 1024;

/** Text in one line: a name, an id, a key. */
export const line = (maxLength: number) =>
  z
    .string()
    .min(1, "must not be empty")
    .max(maxLength, `must be at most ${maxLength} characters long`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters");

/** Text of any kind. */
export const text = (maxLength: number) => z.string().max(maxLength, `must be at most ${maxLength} characters long`);

/** An object whose JSON is at most so many characters long. */
export const json = (maxLength: number) =>
  z
    .record(z.string(), z.unknown())
    .refine((value) => JSON.stringify(value).length <= maxLength, `must be at most ${maxLength} characters of JSON`);

/** How long to wait, in seconds; more than the client's patience allows is cut to that. */
export const waitSeconds = z.number().transform((seconds) => Math.min(MAX_WAIT_SECONDS, Math.max(0, seconds)));

/**
 * What the routing decides about: any name is understood, and the known ones are listed, so that an unknown one is refused
 * as something that nobody serves.
 */
const routed = (known: readonly string[]) => line(100).meta({ enum: [...known] });

export const taskId = taskIdSchema;
export const taskType = routed(taskTypes);
export const protocol = z.enum(protocols);
export const name = line(100);
export const timeoutSeconds = z.number().positive().max(MAX_TIMEOUT_SECONDS);
export const idempotencyKey = line(200);
export const metadata = json(64_000);

/** Longest schema of an answer, in characters of JSON, and most characters of a summary. */
const MAX_SCHEMA = 16_000;
const MAX_SUMMARY = 8_000;

/** How the answer of a task is wanted. */
export const answerFields = {
  return_ref: z.boolean().optional().describe("Show a summary of the result, and where it is"),
  summary_chars: z.number().int().min(1).max(MAX_SUMMARY).optional().describe("Its length: default 1000"),
  response_format: z
    .union(
      [z.literal("json"), z.strictObject({ type: z.literal("json"), schema: json(MAX_SCHEMA).optional() })],
      'must be "json" or { "type": "json", "schema": a JSON Schema }',
    )
    .optional()
    .meta({ description: '"json" or {type:"json",schema}: asks the agent for JSON, parsedResult', described: true }),
};

const targetFields = {
  mode: routed(targetModes).optional(),
  protocol: protocol.optional(),
  details: json(64_000).optional().describe("On one machine, workspace: the folder to run in"),
};

export const target = z.strictObject(targetFields);
export const targetWithMode = z.strictObject({ ...targetFields, mode: routed(targetModes) });

/** An object in a result, of which nothing more is said. */
export const object = z.record(z.string(), z.unknown());

/** An error in a result: as it was stored, however long its texts are. */
export const problem = saidProblem
  .extend({ code: z.string(), message: z.string(), hint: z.string().optional() })
  .transform(asKnown);

/** A field of a result that may be missing, and that the list of tools leaves out: every token of it costs. */
export const unlisted = <T extends z.ZodType>(type: T) => type.exactOptional().meta({ unlisted: true });

/** A field that a call may have, and that the list of tools leaves out for the same reason; the documentation has it. */
export const unlistedInput = <T extends z.ZodType>(type: T) => type.optional().meta({ unlisted: true });

/** There where a call was to wait and too many wait already: when to ask again. */
export const askAgainSeconds = unlisted(z.number());
