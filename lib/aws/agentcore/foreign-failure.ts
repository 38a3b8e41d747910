import { DispatchError, RefusedError, WorkerGoneError } from "../../domain/errors.ts";
import { OutcomeUnknownError } from "../../domain/session.ts";
import type { ForeignCall } from "./foreign-runtimes.ts";
import { explainInvocation } from "./problems.ts";
import { askedOf, noRuntime, notReady } from "./session.ts";

const MAY_HAVE_RUN = "the job may have run; look for what it did before you dispatch it again";

/**
 * A call of a foreign runtime that failed, as one of ours. Where nobody can ask again, an unknown outcome is the end of the
 * job: it may have run, and must not run twice. So it is when the container answered with a failure, or did not start:
 * AgentCore does not say which.
 */
export function explainCall(thrown: unknown, { task, runtime, isTooEarly }: ForeignCall, action: string): unknown {
  if (isTooEarly(thrown)) return notReady(thrown);
  const error = explainInvocation(thrown, askedOf(task, runtime, action));
  // It is the first thing that was ever sent: what was named never existed.
  if (error instanceof WorkerGoneError) return noRuntime(runtime, error);
  if (error instanceof OutcomeUnknownError)
    return new RefusedError("worker.lost", "the connection to the runtime broke before its answer was complete", {
      hint: MAY_HAVE_RUN,
      cause: error,
    });
  if (!(error instanceof DispatchError) || error.code !== "worker.unavailable") return error;
  const { message, hint, details, cause } = error;
  return new RefusedError("worker.failed", message, {
    hint: hint === undefined ? MAY_HAVE_RUN : `${MAY_HAVE_RUN}; ${hint}`,
    ...(details && { details }),
    cause,
  });
}
