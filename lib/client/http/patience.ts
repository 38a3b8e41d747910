import { setTimeout as delay } from "node:timers/promises";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 4000;

/** For how long what fails on the way is tried again, in all. */
const PATIENCE_MS = 20_000;

/**
 * How long to try again: pauses that grow, each of a random length so that clients do not come back all at once, until the
 * patience since the first failure is used up.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export class Patience {
  readonly #limitMs: number;
  #untilMs: number | undefined;
  #pauses = 0;

  constructor(limitMs = PATIENCE_MS) {
    this.#limitMs = limitMs;
  }

  /**
   * Waits before another try, at least for what the endpoint asked for; false at once when there is to be none. Rejects with
   * AbortError.
   */
  async pause({ atLeastMs = 0, limitMs = this.#limitMs, signal }: Pause = {}): Promise<boolean> {
    const nowMs = Date.now();
    this.#untilMs ??= nowMs + this.#limitMs;
    const leftMs = this.#untilMs - nowMs - (this.#limitMs - Math.min(limitMs, this.#limitMs));
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#pauses);
    const pauseMs = atLeastMs + longestMs * (0.5 + Math.random() / 2);
    if (pauseMs > leftMs) return false;
    this.#pauses += 1;
    await delay(pauseMs, undefined, signal ? { signal } : {});
    return true;
  }
}

type Pause = {
  /** What the endpoint asked for. */
  atLeastMs?: number;
  /** A smaller patience, for failures of one kind. */
  limitMs?: number;
  signal?: AbortSignal | undefined;
};

/**
 * How long an answer asks to wait, in ms; 0 when it does not.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(value: string | undefined): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const timeMs = Date.parse(value) - Date.now();
  return Number.isNaN(timeMs) ? 0 : Math.max(0, timeMs);
}
