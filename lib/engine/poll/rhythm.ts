import type { Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";

export const SHORTEST_PAUSE_SECONDS = 2;
/** What of the time that a task has run may pass before somebody sees its end, where nobody waits for it. */
const SHARE = 0.1;

/**
 * Seconds that may pass before somebody looks at a task again, as the pace of the platform has it: 2 at first, longer the
 * longer it goes on since then (RFC 3339).
 */
export function pauseSeconds({ pace, now }: Pick<Ports, "pace" | "now">, since: string): number {
  const grown = Math.round(((now() - Date.parse(since)) / 1000) * SHARE);
  return Math.min(pace.maxPauseSeconds, Math.max(SHORTEST_PAUSE_SECONDS, grown));
}

/** Seconds after which there may be news of a task, for whoever looks again and again: by then the workflow will have looked. */
export function lookAgainSeconds(
  ports: Pick<Ports, "pace" | "now">,
  { status, phases, createdAt }: Pick<Task, "status" | "phases" | "createdAt">,
): number {
  // A job that asks is watched like one that works.
  const since = (status === "input_required" && phases.running) || (phases[status] ?? createdAt);
  return pauseSeconds(ports, since);
}
