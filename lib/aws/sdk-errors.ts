/** What the SDK adds to what it throws. */
type SdkError = Error & {
  code?: unknown;
  $fault?: "client" | "server";
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $retryable?: { throttling?: boolean };
};

/**
 * How a request failed. Nothing was sent (`unsent`); AWS refused it, so that it had no effect; or nobody knows, because no
 * answer came, or one of trouble at the service (`unanswered`).
 */
type Failure =
  | "unsent"
  | "throttled"
  | "quota"
  | "conflict"
  | "credentials"
  | "denied"
  | "missing"
  | "invalid"
  | "refused"
  | "unanswered";

/** What to do when it is not known who asks, by the error's name. */
const identityHints: Readonly<Record<string, string>> = {
  CredentialsProviderError: "make AWS credentials available to this process",
  TokenProviderError: "make AWS credentials available to this process",
  UnrecognizedClientException: "make valid AWS credentials available to this process",
  UnauthorizedException: "make valid AWS credentials available to this process",
  InvalidClientTokenId: "make valid AWS credentials available to this process",
  InvalidAccessKeyId: "make valid AWS credentials available to this process",
  ExpiredToken: "renew the AWS credentials of this process",
  ExpiredTokenException: "renew the AWS credentials of this process",
  InvalidIdentityToken: "renew the AWS credentials of this process",
  InvalidIdentityTokenException: "renew the AWS credentials of this process",
  InvalidToken: "renew the AWS credentials of this process",
  SignatureDoesNotMatch: "check the clock of this machine and its AWS credentials",
  InvalidSignatureException: "check the clock of this machine and its AWS credentials",
  RequestTimeTooSkewed: "check the clock of this machine",
};

/**
 * Names of errors, of all services. The SDK classifies in `@smithy/core/retry`, whose whole machinery a local start would
 * load for it; a test holds this to what it says.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
 */
const names: Readonly<Partial<Record<Failure, readonly string[]>>> = {
  throttled: [
    "KmsThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
  ],
  quota: ["ExecutionLimitExceeded", "ResourceLimitExceededException", "ServiceQuotaExceededException"],
  conflict: [
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "ConflictException",
    "OperationAborted",
    "ReplicatedWriteConflictException",
    "RetryableConflictException",
    "TransactionConflictException",
    "TransactionInProgressException",
  ],
  credentials: Object.keys(identityHints),
  denied: ["AccessDenied", "AccessDeniedException", "KmsAccessDeniedException"],
  missing: [
    "NoSuchKey",
    "NoSuchResourceException",
    "NotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
  ],
  invalid: ["ValidationException"],
  unanswered: ["InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"],
};
const byName = new Map(
  Object.entries(names).flatMap(([failure, those]) => those.map((name) => [name, failure as Failure] as const)),
);

/** No name, no route, nobody who listens. */
const unsentCodes = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EACCES"];

/**
 * A peer whose certificate is not accepted, which is before anything is sent to it. Other errors of TLS come in mid-stream too.
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const untrusted =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET_ISSUER)_|HOSTNAME_MISMATCH$|ERR_TLS_CERT_ALTNAME_INVALID$)/;

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");

/** The HTTP status of the answer; undefined when there was none. */
export const statusOf = (error: unknown): number | undefined =>
  (error as SdkError | undefined)?.$metadata?.httpStatusCode;

/** How often the request was sent. */
export const attemptsOf = (error: unknown): number => (error as SdkError | undefined)?.$metadata?.attempts ?? 1;

export const identityHint = (error: unknown): string | undefined =>
  Object.hasOwn(identityHints, nameOf(error)) ? identityHints[nameOf(error)] : undefined;

/** How a request to AWS failed; undefined for what is no request's failure. */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { $fault, $retryable, name } = error as SdkError;
  const status = statusOf(error);
  if ($retryable?.throttling || status === 429) return "throttled";
  const known = byName.get(name);
  if (known) return known;
  if (isUnsent(error)) return "unsent";
  if ($fault === "server" || $retryable || (status ?? 0) >= 500 || isCutOff(error)) return "unanswered";
  // A HEAD has no body that would name the error.
  if (status === 403) return "denied";
  return status === undefined ? undefined : "refused";
}

/** Whether the same request may succeed a moment later, whatever it did until now. */
export function isPassing(error: unknown): boolean {
  const failure = failureOf(error);
  return failure === "throttled" || failure === "conflict" || failure === "unsent" || failure === "unanswered";
}

/** A connection that was never made. The SDK calls that a timeout as well, and says so in the text alone. */
const isUnsent = (error: Error): boolean =>
  unsentCodes.includes(systemCodeOf(error)) ||
  untrusted.test(systemCodeOf(error)) ||
  /did not establish a connection/i.test(error.message);

/** What sockets and streams throw, and who waits no longer. */
const isCutOff = (error: Error): boolean =>
  ["TimeoutError", "AbortError", "RequestTimeout", "RequestTimeoutException"].includes(error.name) ||
  /^(E[A-Z]+|UND_ERR.*|ERR_(STREAM|SSL|TLS).*)$/.test(systemCodeOf(error)) ||
  error.message === "aborted";

function systemCodeOf(error: Error): string {
  const code = (error as SdkError).code ?? (error.cause as SdkError | undefined)?.code;
  return typeof code === "string" ? code : "";
}
