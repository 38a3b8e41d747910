const LASTING_MS = 86_400_000;
/** Clocks drift, and one of the two may count whole seconds. */
const SMALLEST_MS = 60_000;

/**
 * By how many milliseconds the clock was set forward on the last day, as far as this process has seen it: what the clock
 * moved and the steady one did not. A time that was noted before that has come only when the clock is as much beyond it.
 */
export function leaps(now: () => number, steady: () => number): () => number {
  let offsetMs = now() - steady();
  let seen: { byMs: number; untilMs: number }[] = [];
  return () => {
    const steadyMs = steady();
    const byMs = now() - steadyMs - offsetMs;
    if (Math.abs(byMs) >= SMALLEST_MS) {
      offsetMs += byMs;
      seen.push({ byMs, untilMs: steadyMs + LASTING_MS });
    }
    seen = seen.filter(({ untilMs }) => untilMs > steadyMs);
    return Math.max(
      0,
      seen.reduce((sum, leap) => sum + leap.byMs, 0),
    );
  };
}
