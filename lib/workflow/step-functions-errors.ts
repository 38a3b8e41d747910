import { failureOf, identityHint, isPassing, nameOf } from "../aws/sdk-errors.ts";
import type { RefusedCode } from "../contract/error-codes.ts";
import { RefusedError, RetryableError } from "../contract/errors.ts";

/** Asking again will be refused again, until somebody changes something outside this process. */
const refusals: Readonly<Record<string, { code: RefusedCode; message: string; hint: string }>> = {
  AccessDeniedException: {
    code: "platform.workflow_denied",
    message: "this identity may not start the workflow",
    hint: "allow this identity states:StartExecution on the state machine",
  },
  KmsAccessDeniedException: {
    code: "platform.workflow_denied",
    message: "this identity may not use the KMS key of the workflow",
    hint: "allow this identity kms:Decrypt and kms:GenerateDataKey on the key of the state machine",
  },
  StateMachineDoesNotExist: {
    code: "platform.workflow_missing",
    message: "the state machine does not exist",
    hint: "deploy the stack, or correct the ARN of the state machine",
  },
  StateMachineDeleting: {
    code: "platform.workflow_missing",
    message: "the state machine is being deleted",
    hint: "deploy the stack again",
  },
  InvalidArn: {
    code: "platform.workflow_missing",
    message: "the ARN of the state machine is not one",
    hint: "correct the ARN of the state machine",
  },
};

/** Trouble that passes, or that is mended without a new call. */
const repeatable: Readonly<Record<string, string>> = {
  ExecutionLimitExceeded: "wait until running executions end, or raise the quota of open executions",
  KmsInvalidStateException: "enable the KMS key of the state machine",
};

/** Whether an execution of that name has ended, so that the name is taken for 90 days. */
export const isTaken = (error: unknown): boolean => nameOf(error) === "ExecutionAlreadyExists";

/**
 * A failed StartExecution as the port promises it: RetryableError `platform.workflow_unavailable`, or RefusedError
 * `platform.workflow_denied` or `platform.workflow_missing`. What is none of these comes back as it is.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function explain(error: unknown, stateMachineArn: string): unknown {
  if (!(error instanceof Error)) return error;
  const details = { stateMachineArn };
  const refusal = Object.hasOwn(refusals, error.name) ? refusals[error.name] : undefined;
  if (refusal) return new RefusedError(refusal.code, refusal.message, { hint: refusal.hint, details, cause: error });
  const hint = identityHint(error) ?? (Object.hasOwn(repeatable, error.name) ? repeatable[error.name] : undefined);
  if (hint === undefined && !isPassing(error)) return error;
  const reason = failureOf(error) === "throttled" ? "Step Functions throttles it" : error.message;
  return new RetryableError("platform.workflow_unavailable", `the workflow cannot be started: ${reason}`, {
    hint: hint ?? "try again in a few seconds",
    details,
    cause: error,
  });
}
