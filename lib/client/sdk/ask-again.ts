import { setTimeout as delay } from "node:timers/promises";
import { abortError } from "./aborting.ts";

/** Passes a reply on, once the time is over after which its endpoint, where too many calls wait, wants to be asked again. */
export async function inTime<Reply extends { askAgainSeconds?: number }>(
  reply: Reply,
  { signal, mostMs = Number.POSITIVE_INFINITY }: { signal?: AbortSignal | undefined; mostMs?: number } = {},
): Promise<Reply> {
  const ms = Math.min((reply.askAgainSeconds ?? 0) * 1000, mostMs);
  if (ms > 0)
    await delay(ms, undefined, { ...(signal && { signal }) }).catch((error) => {
      throw signal?.aborted ? abortError(signal) : error;
    });
  return reply;
}
