import { setTimeout as pause } from "node:timers/promises";
import { RetryableError } from "../../contract/errors.ts";

const MAX_PAUSE_MS = 200;

/**
 * Tries until `attempt` has an answer: undefined is a write that was refused because somebody else was faster. Throws
 * RetryableError `platform.store_unavailable` after `most` attempts; `what` is what so many write.
 */
export async function settled<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  { most = 10 }: { most?: number } = {},
): Promise<T> {
  for (let conflicts = 0; conflicts < most; conflicts++) {
    if (conflicts > 0) await pause(Math.random() * Math.min(MAX_PAUSE_MS, 5 * 2 ** conflicts));
    const answer = await attempt();
    if (answer !== undefined) return answer;
  }
  throw new RetryableError("platform.store_unavailable", `${what} is written by too many at once`, {
    hint: "try again in a few seconds",
  });
}
