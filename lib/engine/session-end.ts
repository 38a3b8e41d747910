import type { Task } from "../contract/task.ts";
import { adapterOf, clampInFlight, inFlightUntil, withSession } from "./invocation-gate.ts";
import type { Ports } from "./ports.ts";
import { longestInvocationMs } from "./starting.ts";

/** How often whoever waits for the last invocation looks whether it is over, at the least. */
const LOOK_AGAIN_MS = 1000;

/**
 * Closes the gate and stops the session. Resolves with how long an invocation may still be under way, in milliseconds: then
 * it is stopped once more. Once that is done it is not owed any more, and not stopped again.
 */
export async function endSession(ports: Ports, task: Task): Promise<number> {
  if (task.obligations.session === undefined) return 0;
  const longestMs = longestInvocationMs(ports, task);
  const closed = await ports.store.change(task.id, (now) => {
    if (!now.session) return undefined;
    const latestMs = ports.now() + longestMs;
    // Longer than any invocation lasts: the clock was set back.
    if (now.session.state === "closed" && inFlightUntil(now.session) <= latestMs) return undefined;
    const inFlight = clampInFlight(now.session, latestMs);
    const dueAtMs = Math.max(ports.now(), inFlightUntil({ ...now.session, inFlight })) + 5 * 60_000;
    return { ...withSession(now, { state: "closed", inFlight }), dueAtMs };
  });
  // The time that is left counts from before the stop: what arrives while it is under way is not known to be stopped.
  const leftMs = closed.session ? inFlightUntil(closed.session) - ports.now() : 0;
  await adapterOf(ports, closed).stop(closed);
  return leftMs;
}

/** Ends the session for good: stops it again once nothing can arrive any more that would start another machine. */
export async function endSessionForGood(ports: Ports, task: Task): Promise<void> {
  let current: Task | undefined = task;
  while (current && (await endSession(ports, current)) > 0) {
    do {
      await ports.store.waitForChange(current.id, current.revision, LOOK_AGAIN_MS);
      current = await ports.store.get(current.id);
    } while (current?.session && inFlightUntil(current.session) > ports.now());
  }
}
