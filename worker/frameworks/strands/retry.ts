import { DefaultModelRetryStrategy, ExponentialBackoff } from "@strands-agents/sdk";
import { isPassing } from "./failure.ts";

/** Together some 15 s at most: a model that is busy for longer is the business of whoever dispatched the task. */
const MAX_ATTEMPTS = 5;
const backoff = { baseMs: 1000, maxMs: 8000 };

/** Tries a call of a model again when the next may succeed, which of itself the SDK does not for Bedrock's ordinary 429. */
export class PatientRetry extends DefaultModelRetryStrategy {
  constructor() {
    super({ maxAttempts: MAX_ATTEMPTS, backoff: new ExponentialBackoff(backoff) });
  }

  protected override isRetryable(error: Error): boolean {
    return isPassing(error);
  }
}
