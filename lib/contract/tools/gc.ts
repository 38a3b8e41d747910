import * as z from "zod";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

// The names of this tool and of its fields are those of the Python program agent-dispatch: https://pypi.org/project/agent-dispatch/
export const dispatchGc = {
  input: z.strictObject({
    max_age_days: z.number().positive().max(3650).optional().describe("Default as long as tasks are kept anyway"),
    all: z.boolean().optional().describe("Whatever their age, but for those of the last day"),
    dry_run: z.boolean().optional().describe("Say which, and remove none"),
    cursor: field.line(2000).optional().describe("From the reply before"),
  }),
  output: z.object({
    dry_run: z.boolean(),
    purged: z.number(),
    would_purge: z.number(),
    job_ids: z.array(z.string()),
    max_age_days: z.number(),
    /** What of those that were looked at stays: because it is under way, too young, or belongs with something that is. */
    kept: z.object({ open: z.number(), recent: z.number(), together: z.number() }),
    /** There are more to look at: ask again with it. */
    cursor: z.string().exactOptional(),
  }),
} satisfies ToolSchemas;
