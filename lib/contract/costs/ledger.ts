import * as z from "zod";
import { outcomes } from "../agent.ts";
import { taskTypes } from "../kinds.ts";

/** Days from its dispatch for which what a task took is kept: longer than the task itself. */
export const LEDGER_DAYS = 400;

const count = z.number().nonnegative();

/** What a task that has ended took and cost. Times are epoch milliseconds. */
export const ledgerEntrySchema = z.object({
  v: z.literal(1),
  taskId: z.string(),
  owner: z.string(),
  status: z.enum(["succeeded", "failed", "cancelled"]),
  taskType: z.enum(taskTypes),
  profile: z.string(),
  framework: z.string().exactOptional(),
  model: z.string().exactOptional(),
  /** The folder that it ran in. */
  workspace: z.string().exactOptional(),
  /** The first of the tasks that one request set off: itself, where nothing dispatched it. */
  tree: z.string(),
  parent: z.string().exactOptional(),
  /** Of a turn. */
  conversation: z.string().exactOptional(),
  createdAtMs: z.number(),
  endedAtMs: z.number(),
  /** From the start of the job to its end. */
  ranMs: count.exactOptional(),
  /** The code of what failed. */
  error: z.string().exactOptional(),
  /** How far its agent says that it came. */
  outcome: z.enum(outcomes).exactOptional(),
  inputTokens: count.exactOptional(),
  outputTokens: count.exactOptional(),
  cachedTokens: count.exactOptional(),
  turns: count.exactOptional(),
  /** What its framework says that models cost. */
  costUsd: count.exactOptional(),
  /** What the rest is estimated to cost: nobody has measured it, and no bill says it. */
  estimate: z
    .object({ controlPlaneUsd: count.exactOptional(), computeUsdAtMost: count, pricesOf: z.string() })
    .exactOptional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;
