/** What the SDK adds to what it throws. */
type SdkError = Error & {
  code?: unknown;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $retryable?: { throttling?: boolean };
};

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
 */
const throttling = [
  "SlowDown",
  "ThrottlingException",
  "Throttling",
  "TooManyRequestsException",
  "KmsThrottlingException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "LimitExceededException",
];
const transient = [
  "TimeoutError",
  "RequestTimeout",
  "RequestTimeoutException",
  "InternalError",
  "InternalFailure",
  "InternalServerError",
  "ServiceUnavailable",
  "OperationAborted",
  "TransactionConflictException",
  "ReplicatedWriteConflictException",
];

/** What to do when it is not known who asks, by the error's name. */
const identityHints: Readonly<Record<string, string>> = {
  CredentialsProviderError: "make AWS credentials available to this process",
  TokenProviderError: "make AWS credentials available to this process",
  UnrecognizedClientException: "make valid AWS credentials available to this process",
  InvalidClientTokenId: "make valid AWS credentials available to this process",
  InvalidAccessKeyId: "make valid AWS credentials available to this process",
  ExpiredToken: "renew the AWS credentials of this process",
  ExpiredTokenException: "renew the AWS credentials of this process",
  InvalidToken: "renew the AWS credentials of this process",
  SignatureDoesNotMatch: "check the clock of this machine and its AWS credentials",
  InvalidSignatureException: "check the clock of this machine and its AWS credentials",
  RequestTimeTooSkewed: "check the clock of this machine",
};

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");

/** The HTTP status of the answer; undefined when there was none. */
export const statusOf = (error: unknown): number | undefined =>
  (error as SdkError | undefined)?.$metadata?.httpStatusCode;

/** How often the request was sent. */
export const attemptsOf = (error: unknown): number => (error as SdkError | undefined)?.$metadata?.attempts ?? 1;

export const identityHint = (error: unknown): string | undefined =>
  Object.hasOwn(identityHints, nameOf(error)) ? identityHints[nameOf(error)] : undefined;

export const isThrottling = (error: unknown): boolean =>
  throttling.includes(nameOf(error)) ||
  (error as SdkError | undefined)?.$retryable?.throttling === true ||
  statusOf(error) === 429;

/** Whether the same request may be answered the next time: trouble at the service, or on the way there; not throttling. */
export function isTransient(error: unknown): boolean {
  if (isThrottling(error)) return false;
  if (transient.includes(nameOf(error)) || (statusOf(error) ?? 0) >= 500) return true;
  // What sockets and name lookups throw.
  const code = (error as SdkError | undefined)?.code;
  return typeof code === "string" && /^(E[A-Z_]+|UND_ERR.*)$/.test(code);
}
