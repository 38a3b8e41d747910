import type { ErrorCode } from "../../../lib/contract/error-codes.ts";
import { DispatchError, type Problem, problem } from "../../../lib/contract/errors.ts";

/** What an error of a service says of itself, wherever in the chain of causes it stands. */
type Said = { name: string; message: string; status: number | undefined; code: string | undefined };

/** Errors of the service itself, as Bedrock and OpenAI name them; the SDK for agents wraps them. */
const wrappers = new Set(["Error", "ModelError", "ModelThrottledError"]);

const busy = new Set(["ThrottlingException", "TooManyRequestsException", "ModelThrottledError", "throttlingException"]);
const unavailable = new Set([
  "InternalServerException",
  "ModelNotReadyException",
  "ModelStreamErrorException",
  "ModelTimeoutException",
  "ServiceUnavailableException",
  "InternalServerError",
  "APIConnectionError",
  "APIConnectionTimeoutError",
  "TimeoutError",
]);
const unknownCaller = new Set([
  "AuthenticationError",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "TokenRefreshRequired",
  "UnrecognizedClientException",
]);
const noModel = new Set([
  "AccessDeniedException",
  "ResourceNotFoundException",
  "NotFoundError",
  "PermissionDeniedError",
]);

/** A quota that no pause of seconds brings back; Bedrock tells it from others by its text alone. */
const isSpent = ({ name, code, message }: Said): boolean =>
  name === "ServiceQuotaExceededException" || code === "insufficient_quota" || /\bper day\b|\bdaily\b/i.test(message);

/** An id that Bedrock does not know, or that is only reached through an inference profile, is "invalid" to it. */
const isWrongModel = ({ name, message }: Said): boolean =>
  name === "ValidationException" && /model identifier|on-demand throughput/i.test(message);

/** Whether the same call of a model may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  const said = saidBy(error);
  return !isSpent(said) && (busy.has(said.name) || said.status === 429 || isUnavailable(said));
}

const isUnavailable = ({ name, status }: Said): boolean =>
  unavailable.has(name) || (status !== undefined && status >= 500);

/** Why the agent could not go on, by the name of what the service answered. */
export function problemOf(error: unknown): Problem {
  if (error instanceof DispatchError) return error.problem;
  const said = saidBy(error);
  const [code, hint] = meaningOf(said);
  const what = said.message === "" || said.message === said.name ? said.name : `${said.name}: ${said.message}`;
  return problem(code, what.slice(0, 4000).toWellFormed(), { ...(hint !== undefined && { hint }) });
}

function meaningOf(said: Said): [code: ErrorCode, hint?: string] {
  if (unknownCaller.has(said.name) || said.status === 401) return ["task.auth", credentialsHint];
  if (isSpent(said)) return ["task.usage_limit", "ask the model's provider for a higher quota, or name another model"];
  if (noModel.has(said.name) || isWrongModel(said)) return ["task.model_unavailable", accessHint];
  if (busy.has(said.name) || said.status === 429)
    return ["task.agent_error", "the model is busy: try again in some minutes, or name another model"];
  if (isUnavailable(said)) return ["task.agent_error", "the model's service failed: try again"];
  if (said.name === "ContextWindowOverflowError")
    return ["task.agent_error", "the task is too large for the model: name one that takes more, or divide the task"];
  return ["task.agent_error"];
}

const credentialsHint =
  "on Bedrock, renew the AWS credentials (`aws sso login`) or give the worker a role that may use it; for an " +
  "OpenAI-compatible endpoint, set OPENAI_API_KEY in the environment of the backend's details";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html */
const accessHint =
  "check the model's id and that it is offered in this region; the role must be allowed bedrock:InvokeModelWithResponseStream " +
  "on it (cloud.models), and an account that uses a model of Anthropic for the first time must submit its use case once: " +
  "Bedrock console, Model catalog, the model, Submit use case details";

/** The service's own words, which are the innermost of the chain. */
function saidBy(error: unknown): Said {
  let said: Said = { name: "Error", message: String(error), status: undefined, code: undefined };
  const seen = new Set<unknown>();
  for (let at = error; typeof at === "object" && at !== null && !seen.has(at); at = causeOf(at)) {
    seen.add(at);
    const one = factsOf(at);
    // A wrapper says less than what it wraps, and what lies below a service's error (a socket) less than that error.
    if (said.name === "Error" || wrappers.has(said.name)) said = { ...one, message: one.message || said.message };
  }
  return said;
}

function factsOf(error: object): Said {
  const { name, message, status, code, $metadata } = error as Record<string, unknown>;
  const http = (typeof $metadata === "object" && $metadata !== null ? $metadata : {}) as Record<string, unknown>;
  const number = [status, http.httpStatusCode].find((value) => typeof value === "number");
  // The client of OpenAI's names none of its errors; their classes do.
  const own = typeof name === "string" && name !== "Error" ? name : error.constructor.name;
  return {
    name: own === "Object" ? "Error" : own,
    message: typeof message === "string" ? message : "",
    status: number,
    code: typeof code === "string" ? code : undefined,
  };
}

const causeOf = (error: object): unknown => ("cause" in error ? error.cause : undefined);
