import * as z from "zod";

/**
 * Who has paused the admission of tasks: their owner, for its own; an operator, for those of everybody; or the deletion of the
 * stack, which nothing must begin during.
 */
const pausers = ["owner", "operator", "deletion"] as const;

/** A pause of admission: tasks are taken and wait, and none begins. */
export const pauseSchema = z.object({
  by: z.enum(pausers),
  /** Epoch milliseconds. */
  sinceMs: z.number(),
});
export type Pause = z.infer<typeof pauseSchema>;
