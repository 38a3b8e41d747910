import type * as z from "zod";
import { DispatchError, RetryableError } from "../../contract/errors.ts";
import { CONTRACT, refusalReplySchema } from "../../contract/worker.ts";

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

/** Throws what the worker refused, if that is what it says. */
export function refuseRefusal(reply: unknown): void {
  const refusal = refusalReplySchema.safeParse(reply);
  // A poll of a failed task has an error as well, beside its status.
  if (!refusal.success || (typeof reply === "object" && reply !== null && "status" in reply)) return;
  throw new DispatchError(refusal.data.error);
}
