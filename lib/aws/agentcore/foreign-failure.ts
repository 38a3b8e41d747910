import { RetryableError, WorkerGoneError } from "../../domain/errors.ts";
import { OutcomeUnknownError } from "../../domain/session.ts";
import type { Task } from "../../domain/task.ts";
import type { RuntimeRef } from "./place.ts";
import { explainInvocation } from "./problems.ts";
import { askedOf, noRuntime } from "./session.ts";

/**
 * A call of a foreign runtime that failed, as one of ours. Where nobody can ask again, an unknown outcome is the end of the
 * job: it may have run, and must not run twice.
 */
export function explainCall(thrown: unknown, task: Task, runtime: RuntimeRef, action: string): unknown {
  const error = explainInvocation(thrown, askedOf(task, runtime, action));
  // It is the first thing that was ever sent: what was named never existed.
  if (error instanceof WorkerGoneError) return noRuntime(runtime, error);
  if (!(error instanceof OutcomeUnknownError)) return error;
  return new RetryableError("worker.lost", "the connection to the runtime broke before its answer was complete", {
    hint: "the job may have run; look for what it did before you dispatch it again",
    cause: error,
  });
}
