import * as z from "zod";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

/** What usage can be told by. An agent is a profile as far as it runs agents; a turn is a task of a conversation. */
export const usageGroups = ["agent", "profile", "day", "task", "turn", "conversation", "tree", "owner"] as const;
export type UsageGroup = (typeof usageGroups)[number];

/** How far agents said that they came, and how many of them. */
export const outcomeCounts = z.object({
  done: z.number().exactOptional(),
  partial: z.number().exactOptional(),
  needs_input: z.number().exactOptional(),
});

/** What tasks that have ended took and cost, together. */
const usage = {
  tasks: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  /** How far agents said that they came. */
  outcomes: outcomeCounts.exactOptional(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  cachedTokens: z.number(),
  turns: z.number(),
  /** What frameworks said that models cost, by list prices; of so many tasks. */
  costUsd: z.number(),
  costTold: z.number(),
  /** What the rest of those in the cloud is estimated to cost. */
  estimate: z
    .object({
      controlPlaneUsd: z.number(),
      computeUsdAtMost: z.number(),
      pricesOf: z.string(),
      estimated: z.literal(true),
    })
    .exactOptional(),
  /** Of those that succeeded, from the start of the job to its end. */
  medianSeconds: z.number().exactOptional(),
  p90Seconds: z.number().exactOptional(),
  maxSeconds: z.number().exactOptional(),
};
export type Usage = z.infer<z.ZodObject<typeof usage>>;

const row = z.object({
  /** The name, the day or the id of what it is told by. */
  key: z.string(),
  /** Of a task or a turn. */
  profile: z.string().exactOptional(),
  conversation: z.string().exactOptional(),
  tree: z.string().exactOptional(),
  ...usage,
});

export const getUsage = {
  input: z.strictObject({
    since: field.line(40).optional().describe("A date, a time, or how long ago: 24h, 30d. Default 30d"),
    by: z.enum(usageGroups).optional().describe("Default agent"),
  }),
  output: z.object({
    since: z.string(),
    by: z.enum(usageGroups),
    owner: z.string(),
    total: z.object(usage),
    items: z.array(row),
    /** So many more rows there are. */
    more: field.unlisted(z.number()),
    /** There are more tasks than are counted: those are the newest. */
    incomplete: field.unlisted(z.literal(true)),
  }),
} satisfies ToolSchemas;
