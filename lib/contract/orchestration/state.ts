import * as z from "zod";
import { storedProblem } from "../said-problem.ts";

const count = z.number();

/**
 * How far the children of a task are. Each has a position, and the positions are begun in their order; so this stays small
 * however many there are. What a child came to is in its own record.
 */
export const orchestrationSchema = z.object({
  /** Positions before this one were begun. */
  begun: count,
  /** Of those, the ones that are not known to have ended. */
  active: z.array(count),
  succeeded: count,
  failed: count,
  cancelled: count,
  /** One of two who talk has said so. */
  resolved: z.literal(true).exactOptional(),
  /** Why nothing more is begun. */
  stopped: storedProblem.exactOptional(),
});
export type Orchestration = z.infer<typeof orchestrationSchema>;

export const notBegun: Orchestration = { begun: 0, active: [], succeeded: 0, failed: 0, cancelled: 0 };
