import { RetryableError } from "../domain/errors.ts";

type SdkError = Error & {
  code?: unknown;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $retryable?: { throttling?: boolean };
};

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const throttling = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "LimitExceededException",
];
const transient = [
  "TimeoutError",
  "RequestTimeout",
  "RequestTimeoutException",
  "InternalServerError",
  "ServiceUnavailable",
  "TransactionConflictException",
  "ReplicatedWriteConflictException",
];

const hints: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "check the name of the table and its region",
  AccessDeniedException: "allow this identity to read and write the table",
  CredentialsProviderError: "make AWS credentials available to this process",
  UnrecognizedClientException: "make valid AWS credentials available to this process",
  ExpiredTokenException: "renew the AWS credentials of this process",
  InvalidSignatureException: "check the clock of this machine and its AWS credentials",
};

/** Whether the condition of a write was not met. */
export const isRefusal = (error: unknown): boolean => nameOf(error) === "ConditionalCheckFailedException";

/** Whether a request was sent more than once, so that an earlier attempt may have done what a later one reports. */
export const wasRepeated = (error: unknown): boolean => ((error as SdkError).$metadata?.attempts ?? 1) > 1;

/** Whether a failed write may have taken effect all the same: it had no answer, or more than one attempt. */
export function isOutcomeOpen(error: unknown): boolean {
  return isTransient(error) || wasRepeated(error);
}

/**
 * A failed request as the port promises it: RetryableError `platform.store_throttled` or `platform.store_unavailable`.
 * What is neither, a request that DynamoDB calls invalid for instance, comes back as it is.
 */
export function explain(error: unknown, table: string): unknown {
  if (!(error instanceof Error)) return error;
  if (isThrottling(error)) return throttledError(table, error);
  const hint = Object.hasOwn(hints, error.name) ? hints[error.name] : undefined;
  if (hint === undefined && !isTransient(error)) return error;
  return new RetryableError("platform.store_unavailable", `the task store cannot be used: ${error.message}`, {
    hint: hint ?? "try again in a few seconds",
    cause: error,
  });
}

/** The refusal of a table that is asked too much, once the attempts are used up. */
export const throttledError = (table: string, cause?: unknown) =>
  new RetryableError("platform.store_throttled", `DynamoDB throttles table ${table}`, {
    hint: "try again in a few seconds",
    cause,
  });

function isThrottling(error: unknown): boolean {
  const { $retryable, $metadata } = error as SdkError;
  return throttling.includes(nameOf(error)) || $retryable?.throttling === true || $metadata?.httpStatusCode === 429;
}

function isTransient(error: unknown): boolean {
  const { code, $metadata } = error as SdkError;
  if (isThrottling(error)) return false;
  if (transient.includes(nameOf(error)) || ($metadata?.httpStatusCode ?? 0) >= 500) return true;
  // What sockets and name lookups throw.
  return typeof code === "string" && /^(E[A-Z]+|UND_ERR.*)$/.test(code);
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");
