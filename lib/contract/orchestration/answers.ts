import * as z from "zod";
import { statuses } from "../lifecycle.ts";

/**
 * What a task that is made of others answers with. The names are those that people who hand work to agents in folders know,
 * which is why they are written as the fields of a call are.
 */

/** Why an agent did not succeed, as few words have it. */
export const errorTypes = [
  "permission",
  "timeout",
  "recursion",
  "not_found",
  "budget",
  "usage_limit",
  "cancelled",
  "cli_error",
] as const;
export type ErrorType = (typeof errorTypes)[number];

/** What one agent came to. Where its answer is large, or was asked for so, `ref` names the task that holds the whole. */
export const agentAnswer = z.object({
  /** Its runtime profile. */
  agent: z.string(),
  success: z.boolean(),
  /** Absent where there is a `ref`. */
  result: z.string().exactOptional(),
  ref: z.string().exactOptional(),
  /** Characters of the whole, and of its `summary`. */
  size: z.number().exactOptional(),
  summary_chars: z.number().exactOptional(),
  summary: z.string().exactOptional(),
  task_id: z.string(),
  /** `not_begun` for one that never was, because the whole ended before. */
  status: z.enum([...statuses, "not_begun"]),
  /** The conversation that another task can go on with. */
  session_id: z.string().exactOptional(),
  cost_usd: z.number().exactOptional(),
  duration_ms: z.number().exactOptional(),
  num_turns: z.number().exactOptional(),
  parsed_result: z.unknown().exactOptional(),
  parse_error: z.string().exactOptional(),
  denied_tools: z.array(z.string()).exactOptional(),
  outcome: z.string().exactOptional(),
  hint: z.string().exactOptional(),
  error: z.string().exactOptional(),
  error_code: z.string().exactOptional(),
  error_type: z.enum(errorTypes).exactOptional(),
  /** It is the answer of an earlier task to the same request. */
  cached: z.literal(true).exactOptional(),
});
export type AgentResult = z.infer<typeof agentAnswer>;

/** Of a `parallel.run`: every item in its place. */
export const parallelAnswer = z.object({
  individual_results: z.array(agentAnswer),
  aggregated: agentAnswer.exactOptional(),
});
export type ParallelAnswer = z.infer<typeof parallelAnswer>;

export const roles = ["responder", "requester"] as const;
export type Role = (typeof roles)[number];

/** Of a `dialogue.run`: what was said, until one said that it is resolved, the rounds were over, or a turn failed. */
export const dialogueAnswer = z.object({
  resolved: z.boolean(),
  rounds: z.number(),
  total_cost_usd: z.number(),
  total_duration_ms: z.number(),
  final_answer: z.string(),
  conversation: z.array(
    z.object({
      agent: z.string(),
      role: z.enum(roles),
      round: z.number(),
      message: z.string(),
      cost_usd: z.number().nullable(),
      task_id: z.string(),
      error: z.string().exactOptional(),
      error_type: z.enum(errorTypes).exactOptional(),
    }),
  ),
});
export type DialogueAnswer = z.infer<typeof dialogueAnswer>;
