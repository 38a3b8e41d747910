import { attemptsOf, failureOf, identityHint, isPassing, nameOf } from "../../aws/sdk-errors.ts";
import { RetryableError } from "../../contract/errors.ts";

const hints: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "check the name of the table and its region",
  AccessDeniedException: "allow this identity to read and write the table",
};

/** Whether the condition of a write was not met. */
export const isRefusal = (error: unknown): boolean => nameOf(error) === "ConditionalCheckFailedException";

/** Whether a request was sent more than once, so that an earlier attempt may have done what a later one reports. */
export const wasRepeated = (error: unknown): boolean => attemptsOf(error) > 1;

/** Whether a failed write may have taken effect all the same: it had no answer, or more than one attempt. */
export const isOutcomeOpen = (error: unknown): boolean => failureOf(error) === "unanswered" || wasRepeated(error);

/**
 * A failed request as the port promises it: RetryableError `platform.store_throttled` or `platform.store_unavailable`.
 * What is neither, a request that DynamoDB calls invalid for instance, comes back as it is.
 */
export function explain(error: unknown, table: string): unknown {
  if (!(error instanceof Error)) return error;
  if (failureOf(error) === "throttled") return throttledError(table, error);
  const hint = identityHint(error) ?? (Object.hasOwn(hints, error.name) ? hints[error.name] : undefined);
  if (hint === undefined && !isPassing(error)) return error;
  return new RetryableError("platform.store_unavailable", `the task store cannot be used: ${error.message}`, {
    hint: hint ?? "try again in a few seconds",
    cause: error,
    ...(error.name === "ResourceNotFoundException" && { details: { missing: table } }),
  });
}

/** The refusal of a table that is asked too much, once the attempts are used up. */
export const throttledError = (table: string, cause?: unknown) =>
  new RetryableError("platform.store_throttled", `DynamoDB throttles table ${table}`, {
    hint: "try again in a few seconds",
    cause,
  });
