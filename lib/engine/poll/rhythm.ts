import type { Ports } from "../ports.ts";

export const SHORTEST_PAUSE_SECONDS = 2;

/**
 * Seconds that may pass before somebody looks at a task again, as the pace of the platform has it: 2 at first, longer the
 * longer it goes on since then (RFC 3339).
 */
export function pauseSeconds({ pace, now }: Pick<Ports, "pace" | "now">, since: string): number {
  const grown = Math.round((now() - Date.parse(since)) / 20_000);
  return Math.min(pace.maxPauseSeconds, Math.max(SHORTEST_PAUSE_SECONDS, grown));
}
