import type * as z from "zod";
import { DispatchError, RetryableError } from "../../contract/errors.ts";
import { acceptedReplySchema, CONTRACT, refusalReplySchema } from "../../contract/worker.ts";

/** A worker's reply by its schema. Throws what the worker refused, or RetryableError `worker.contract_broken`. */
export function parseReply<T>(schema: z.ZodType<T>, reply: unknown): T {
  refuseRefusal(reply);
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RetryableError(
    "worker.contract_broken",
    `the worker's reply is not ${CONTRACT}: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

/** What a worker makes of answers: it has them, or refuses them, or may take them another time. */
type Hearing = { outcome: "taken" | "over" } | { outcome: "refused" | "later"; reason: string };

/** Throws RetryableError `worker.contract_broken`. */
export function hearingOf(reply: unknown): Hearing {
  const refusal = refusalReplySchema.safeParse(reply);
  if (!refusal.success) return { outcome: parseReply(acceptedReplySchema, reply).accepted ? "taken" : "over" };
  const { retryable, message: reason } = refusal.data.error;
  return { outcome: retryable ? "later" : "refused", reason };
}

/** Throws what the worker refused, if that is what it says. */
export function refuseRefusal(reply: unknown): void {
  const refusal = refusalReplySchema.safeParse(reply);
  // A poll of a failed task has an error as well, beside its status.
  if (!refusal.success || (typeof reply === "object" && reply !== null && "status" in reply)) return;
  throw new DispatchError(refusal.data.error);
}
