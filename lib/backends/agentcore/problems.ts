import { failureOf, nameOf } from "../../aws/sdk-errors.ts";
import {
  DispatchError,
  OutcomeUnknownError,
  RefusedError,
  RetryableError,
  WorkerGoneError,
} from "../../contract/errors.ts";
import { accessDenied } from "./access-denied.ts";
import { logGroupOf } from "./place.ts";

/** What was asked, for messages and hints. */
export type Asked = {
  /** IAM action without its prefix. */
  action: string;
  runtimeId?: string;
  qualifier?: string;
  accountProfile?: string;
};

/** Whether AWS says that what was named does not exist. */
export const isNotFound = (error: unknown): boolean => failureOf(error) === "missing";
export const isDenied = (error: unknown): boolean => failureOf(error) === "denied";
export const isInvalid = (error: unknown): boolean => failureOf(error) === "invalid";
export const isConflict = (error: unknown): boolean => failureOf(error) === "conflict";

/** Whether a request certainly had no effect: it was not sent, or refused. What conflicts may be an effect of another. */
export function hadNoEffect(error: unknown): boolean {
  const failure = failureOf(error);
  return failure !== undefined && failure !== "conflict" && failure !== "unanswered";
}

/** Whether AgentCore turned an invocation away before it reached a worker, and may take it a moment later. */
export const isNotDelivered = (error: unknown): boolean =>
  failureOf(error) === "throttled" || nameOf(error) === "RetryableConflictException";

/**
 * A failed request to either plane as one of ours; what is ours already, or no request's failure, comes back as it is.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html
 */
export function explain(error: unknown, asked: Asked): unknown {
  if (!(error instanceof Error) || error instanceof DispatchError) return error;
  const { name, message } = error;
  const cause = { cause: error };
  if (name === "RuntimeClientError") return runtimeFailed(error, asked);
  switch (failureOf(error)) {
    case "denied":
      return accessDenied(error, asked);
    case "credentials":
      return new RetryableError("platform.credentials", `AWS credentials are missing or not valid: ${message}`, {
        hint: `make valid AWS credentials available to the control plane, for instance with \`aws sso login\`; accounts.${asked.accountProfile ?? "<name>"}.credentialSource says which it uses`,
        ...cause,
      });
    case "throttled":
      return new RetryableError("platform.throttled", `AgentCore throttles ${asked.action}: ${message}`, {
        hint: "try again in a few seconds, or lower maxRunning",
        ...cause,
      });
    case "quota":
      return quotaExceeded(error, asked);
    case "conflict":
      return new RetryableError("platform.conflict", `AgentCore is busy with another change: ${message}`, cause);
    case "invalid":
      return invalid(error, asked);
    case "missing":
      return new RefusedError("platform.not_found", `${asked.action}: AgentCore knows no such resource: ${message}`, {
        hint: "check the runtime's ARN and its region with check_cloud_agent_runtime",
        ...cause,
      });
    case "unsent":
      return new RetryableError("platform.unreachable", `AgentCore cannot be reached: ${message}`, {
        hint: "check the region, the network of the control plane, and NODE_EXTRA_CA_CERTS behind a proxy of your own",
        ...cause,
      });
    case "unanswered":
      return new RetryableError("platform.unavailable", `AgentCore did not answer ${asked.action}: ${message}`, cause);
    case "refused":
      return new RefusedError("platform.refused", `AgentCore refuses ${asked.action}: ${name}: ${message}`, cause);
    default:
      return error;
  }
}

/**
 * A failed invocation. Where it may have reached the worker, or may still, the outcome is unknown; a session of a runtime
 * that does not exist is gone.
 */
export function explainInvocation(error: unknown, asked: Asked): unknown {
  if (!(error instanceof Error) || error instanceof DispatchError) return error;
  if (isNotFound(error))
    return new WorkerGoneError(`the runtime of the session does not exist: ${error.message}`, {
      isCertain: false,
      cause: error,
    });
  if (failureOf(error) === "unanswered")
    return new OutcomeUnknownError(`the worker's answer did not arrive: ${error.message || error.name}`, error);
  return explain(error, asked);
}

/** Ended sessions give their place back, so that the same may succeed later; the quota itself is not ours to raise. */
function quotaExceeded(error: Error, { action }: Asked): RetryableError {
  const quota = action === "CreateAgentRuntime" ? "Total agents per account" : "Active session workloads per account";
  return new RetryableError("platform.quota_exceeded", `a quota of AgentCore is used up (${quota}): ${error.message}`, {
    hint: `ask for more of "${quota}" in Service Quotas, or lower maxRunning; where it is 0, as in some new accounts, ask AWS Support`,
    details: { quota },
    cause: error,
  });
}

function invalid(error: Error, { action }: Asked): RefusedError {
  // https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html
  const hint = /mmds/i.test(error.message)
    ? "update the runtime with metadataConfiguration.requireMMDSV2 = true; AgentCore invokes no other since 2026-06-30"
    : "check target.details with check_cloud_agent_runtime";
  return new RefusedError("platform.invalid_request", `AgentCore refuses ${action}: ${error.message}`, {
    hint,
    cause: error,
  });
}

/** The container answered 4xx or 5xx, or did not start; why is in its log alone. */
function runtimeFailed(error: Error, { runtimeId, qualifier }: Asked): RetryableError {
  const group = runtimeId && qualifier ? logGroupOf(runtimeId, qualifier) : undefined;
  return new RetryableError("worker.unavailable", `the runtime's container did not answer: ${error.message}`, {
    ...(group && { hint: `the CloudWatch log group ${group} has the reason`, details: { logGroup: group } }),
    cause: error,
  });
}
