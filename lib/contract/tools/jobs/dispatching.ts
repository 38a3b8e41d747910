import * as z from "zod";
import { agentAnswer, dialogueAnswer } from "../../orchestration/answers.ts";
import * as field from "../fields.ts";
import type { ToolSchemas } from "../schemas.ts";
import {
  agentName,
  aggregator,
  asked,
  cache,
  group,
  idempotencyKey,
  returnRef,
  sessionId,
  summaryChars,
} from "./fields.ts";

/** Where the call could not wait any longer: the job goes on. */
const underWay = {
  job_id: z.string(),
  status: z.enum(["pending", "running"]),
  hint: z.string(),
  timed_out_waiting: z.literal(true),
};
const going = z.object({ ...underWay, agent: z.string(), session_id: z.string().exactOptional() });

/** What an agent came to. Where its answer is larger than a reply, `truncated` says so, and `ref` leads to the rest. */
export const dispatchResult = agentAnswer.extend({
  truncated: z.literal(true).exactOptional(),
  full_size: z.number().exactOptional(),
  budget_exceeded: z.literal(true).exactOptional(),
});
export type DispatchResult = z.infer<typeof dispatchResult>;

/** The same where a reply has room for little: that it succeeded, or not, is always there. */
const shownResult = dispatchResult.partial().required({ success: true });
export type ShownResult = Partial<DispatchResult> & Pick<DispatchResult, "success">;

/** Said where answers of several are shortened: what has all of them, and how to read it. */
const shortened = {
  job_id: z.string().exactOptional(),
  truncated: field.unlisted(z.literal(true)),
  hint: z.string().exactOptional(),
};

const answered = z.union([dispatchResult, going]);

/** For whoever reads the answer later: a short one, and where the rest is. */
const asRef = { return_ref: returnRef, summary_chars: summaryChars };

export const dispatch = {
  input: z.strictObject({ ...asked, ...asRef, group, cache, idempotency_key: idempotencyKey }),
  output: answered,
} satisfies ToolSchemas;

export const dispatchSession = {
  input: z.strictObject({
    ...asked,
    session_id: sessionId.describe("Goes on with that conversation; left out, begins one"),
    idempotency_key: idempotencyKey,
  }),
  output: answered,
} satisfies ToolSchemas;

/** The last lines of what it said meanwhile. */
const progress = z.array(z.string()).exactOptional();

export const dispatchStream = {
  input: z.strictObject({ ...asked, idempotency_key: idempotencyKey }),
  output: z.union([dispatchResult.extend({ progress }), going.extend({ progress })]),
} satisfies ToolSchemas;

export const dispatchAsync = {
  input: z.strictObject({ ...asked, ...asRef, group, cache, idempotency_key: idempotencyKey }),
  output: z.object({ job_id: z.string(), status: z.enum(["pending", "running", "done"]), agent: z.string() }),
} satisfies ToolSchemas;

const MAX_ITEMS = 1000;
const items = z
  .array(z.strictObject({ ...asked, ...asRef, group, cache }))
  .min(1, "must have an item")
  .max(MAX_ITEMS, `must be at most ${MAX_ITEMS} items`);

/** The list itself, or its JSON. */
const listOrText = z.preprocess((value, { issues }) => {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch (error) {
    issues.push({ code: "custom", message: `is no JSON: ${String(error)}`, input: undefined });
    return z.NEVER;
  }
}, items);

const shownParallel = z.object({
  individual_results: z.array(shownResult),
  aggregated: shownResult.exactOptional(),
  ...shortened,
});
export type ShownParallel = Omit<z.infer<typeof shownParallel>, "individual_results" | "aggregated"> & {
  individual_results: ShownResult[];
  aggregated?: ShownResult;
};

export const dispatchParallel = {
  input: z.strictObject({
    dispatches: listOrText.describe("The list, or its JSON"),
    aggregate: aggregator.describe("An agent that makes one answer of all"),
    max_parallel: z.number().int().min(1).max(100).optional(),
    fail_fast: z.boolean().optional(),
    timeout_seconds: field.unlistedInput(field.timeoutSeconds),
    idempotency_key: idempotencyKey,
  }),
  output: z.union([z.object({ items: z.array(shownResult), ...shortened }), shownParallel, z.object(underWay)]),
} satisfies ToolSchemas;

const shownTurn = dialogueAnswer.shape.conversation.element.extend({
  truncated: z.literal(true).exactOptional(),
  full_size: z.number().exactOptional(),
  ref: z.string().exactOptional(),
});
const shownDialogue = dialogueAnswer.extend({ conversation: z.array(shownTurn), ...shortened });
export type ShownDialogue = z.infer<typeof shownDialogue>;

export const dispatchDialogue = {
  input: z.strictObject({
    requester: agentName.describe("Has the question"),
    responder: agentName.describe("Knows more, and begins"),
    topic: field.text(field.MAX_INSTRUCTION).min(1, "must not be empty"),
    max_rounds: z
      .number()
      .int()
      .transform((rounds) => Math.min(10, Math.max(1, rounds)))
      .optional()
      .describe("Default 3, at most 10"),
    timeout_seconds: field.unlistedInput(field.timeoutSeconds),
    idempotency_key: idempotencyKey,
  }),
  output: z.union([shownDialogue, z.object(underWay)]),
} satisfies ToolSchemas;
