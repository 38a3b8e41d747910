import { RetryableError } from "../../domain/errors.ts";
import { OutcomeUnknownError } from "../../domain/session.ts";

/** Where nobody can ask again, an unknown outcome is the end of the job: it may have run, and must not run twice. */
export function lostIfUnknown(error: unknown): unknown {
  if (!(error instanceof OutcomeUnknownError)) return error;
  return new RetryableError("worker.lost", "the connection to the runtime broke before its answer was complete", {
    hint: "the job may have run; look for what it did before you dispatch it again",
    cause: error,
  });
}
