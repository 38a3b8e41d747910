import * as z from "zod";
import * as field from "../tools/fields.ts";
import { spawnCloudAgent } from "../tools/spawn-cloud-agent.ts";

/** Tasks of one `parallel.run`, and how many of them are under way at once, at most. */
const MAX_ITEMS = 1000;
export const MAX_PARALLEL = 100;
const MAX_ROUNDS = 10;
export const USUAL_ROUNDS = 3;

const { goal, caller, framework, model, protocol, runtime_tools, timeout_seconds, metadata } =
  spawnCloudAgent.input.shape;
const { context, runtime, group, cache } = spawnCloudAgent.input.shape;

/** What one agent is asked: the fields of `spawn_cloud_agent`. `agent` is another name for its runtime profile. */
const asked = {
  runtime,
  agent: runtime,
  goal,
  context,
  caller,
  framework,
  model,
  protocol,
  runtime_tools,
  timeout_seconds,
  metadata,
  group,
  ...field.answerFields,
};
const instruction = field.text(field.MAX_INSTRUCTION).min(1, "must not be empty");
const namedOnce = ({ runtime, agent }: { runtime?: string | undefined; agent?: string | undefined }) =>
  runtime === undefined || agent === undefined;
const once = { path: ["agent"], message: "is another name for runtime, which is given too" };

const itemSchema = z.strictObject({ instruction, ...asked, cache }).refine(namedOnce, once);

/** Who makes one answer of all; what it is told to do with them may be left out. */
const aggregateSchema = z.strictObject({ ...asked, instruction: instruction.optional() }).refine(namedOnce, once);

/** `input` of a `parallel.run`: agents that work at the same time. */
export const parallelSchema = z.strictObject({
  items: z.array(itemSchema).min(1, "must have an item").max(MAX_ITEMS, `must be at most ${MAX_ITEMS} items`),
  /** How many are under way at once; by default as many as may run. */
  max_parallel: z.number().int().min(1).max(MAX_PARALLEL).optional(),
  /** The first that does not succeed ends the whole. */
  fail_fast: z.boolean().optional(),
  /** The runtime profile of who gets all results and gives one answer, or what that one is asked besides. */
  aggregate: z.union([field.name, aggregateSchema], "must be the name of an agent, or an object").optional(),
});
export type Parallel = z.infer<typeof parallelSchema>;

/** `input` of a `dialogue.run`: two agents that take turns, the responder first. */
export const dialogueSchema = z.strictObject({
  requester: field.name,
  responder: field.name,
  topic: field.text(field.MAX_INSTRUCTION).min(1, "must not be empty"),
  /** A round is a turn of each. */
  max_rounds: z.number().int().min(1).max(MAX_ROUNDS).optional(),
  context,
  goal,
  /** Of each turn. */
  timeout_seconds,
});
export type Dialogue = z.infer<typeof dialogueSchema>;

/** What a task that is made of others was asked for. */
export type Specification = ({ type: "parallel.run" } & Parallel) | ({ type: "dialogue.run" } & Dialogue);

/** The schemas of `input`, by task type. */
export const orchestrationInputs = { "parallel.run": parallelSchema, "dialogue.run": dialogueSchema } as const;
