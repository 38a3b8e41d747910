import { DispatchError, MayHaveRunError, OutcomeUnknownError, WorkerGoneError } from "../../../contract/errors.ts";
import { explainInvocation } from "../problems.ts";
import { askedOf, noRuntime, notReady } from "../session.ts";
import type { ContractLessCall } from "./call.ts";

/**
 * A call of a contract-less runtime that failed, as one of ours. Where nobody can ask again, an unknown outcome is the end of the
 * job: it may have run, and must not run twice. So it is when the container answered with a failure or with what nobody can
 * read, or did not start: AgentCore does not say which.
 */
export function explainCall(
  thrown: unknown,
  { task, runtime, isTooEarly }: ContractLessCall,
  action: string,
): DispatchError {
  if (isTooEarly(thrown)) return notReady(thrown);
  const error = explainInvocation(thrown, askedOf(task, runtime, action));
  // It is the first thing that was ever sent: what was named never existed.
  if (error instanceof WorkerGoneError) return noRuntime(runtime, error);
  if (error instanceof OutcomeUnknownError)
    return lost("the connection to the runtime broke before its answer was complete", error);
  if (!(error instanceof DispatchError)) {
    const name = error instanceof Error ? error.name : typeof error;
    return lost("the answer of the runtime could not be read", new OutcomeUnknownError(name, error));
  }
  const { code, message } = error;
  if (code === "worker.unavailable") return new MayHaveRunError("worker.failed", message, error);
  return code === "worker.contract_broken" ? new MayHaveRunError(code, message, error) : error;
}

const lost = (message: string, cause: OutcomeUnknownError) => new MayHaveRunError("worker.lost", message, { cause });
