import * as z from "zod";
import type { ToolSchemas } from "./schemas.ts";

// The names of these tools and fields are those of the Python program agent-dispatch: https://pypi.org/project/agent-dispatch/
export const cacheStats = {
  input: z.strictObject({}),
  output: z.object({
    /** Whether calls are answered from it that do not say so themselves. */
    enabled: z.boolean(),
    size: z.number(),
    max_size: z.number(),
    hits: z.number(),
    misses: z.number(),
    hit_rate: z.number(),
    /** Seconds. */
    ttl: z.number(),
  }),
} satisfies ToolSchemas;

export const cacheClear = {
  input: z.strictObject({}),
  output: z.object({ cleared: z.number() }),
} satisfies ToolSchemas;
