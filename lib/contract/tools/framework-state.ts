import * as z from "zod";

/**
 * - `ready`: an agent can run in it, as far as can be known without asking a model.
 * - `unsure`: it is there, and whether it is logged in could not be told.
 * - `not_logged_in`, `outdated`, `not_installed`: an agent cannot run in it. What helps is said beside it.
 */
const frameworkStatuses = ["ready", "unsure", "not_logged_in", "outdated", "not_installed"] as const;

/** An agent framework as it stands on a backend. Nothing in it is secret. */
export const frameworkStateSchema = z.object({
  name: z.string(),
  status: z.enum(frameworkStatuses),
  /** What was found, for people. */
  message: z.string(),
  /** What to do about it. */
  hint: z.string().exactOptional(),
  /** Of the program. */
  version: z.string().exactOptional(),
  /** Where the program is. */
  path: z.string().exactOptional(),
});
export type FrameworkState = z.infer<typeof frameworkStateSchema>;
