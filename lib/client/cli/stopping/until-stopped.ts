import type { StopReport, Verified } from "../../../contract/stopping/report.ts";
import { NOT_ENDED } from "../exit-code.ts";

/** The longest that one call waits, in seconds: clients give a call up after 60 s or later. */
const MOST_SECONDS = 40;

/**
 * Asks to stop everything until nothing is on its way any more, or the time is over, and resolves with all that was seen to have
 * stopped, and what is left in the end.
 */
export async function untilStopped<Report extends StopReport>(
  ask: (waitSeconds: number) => Promise<Report>,
  timeoutSeconds: number,
): Promise<Report> {
  const endsAtMs = performance.now() + timeoutSeconds * 1000;
  const verified = new Map<string, Verified>();
  let cancelled = 0;
  for (;;) {
    const leftSeconds = (endsAtMs - performance.now()) / 1000;
    const report = await ask(Math.max(1, Math.min(MOST_SECONDS, leftSeconds)));
    cancelled += report.cancelled ?? 0;
    for (const one of report.verified ?? []) verified.set(`${one.what} ${one.name}`, one);
    const isOver = (report.underway ?? []).length === 0 && !report.queued;
    if (isOver || performance.now() >= endsAtMs) return { ...report, cancelled, verified: [...verified.values()] };
  }
}

/** 0 when all was verified as stopped, and nothing waits any more. */
export function exitCodeOfStop({ queued = 0, underway = [], unverified = [] }: StopReport): number {
  if (unverified.length > 0) return 1;
  return underway.length + queued > 0 ? NOT_ENDED : 0;
}
