import type { Configuration } from "../../contract/configuration.ts";
import type { Task } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { ANSWER_PLACES, endedAtMs, isAnswer } from "../../store/answers.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";

/** Seconds for which an answer is good where a call asks for it and the configuration does not say. */
const USUAL_TTL_SECONDS = 300;

/** What becomes of a call: an earlier answer may serve it, or its own is kept in place of that, or neither. */
export type Caching = { looks: boolean; ttlMs: number };

/**
 * Whether a call that may be answered by an earlier one is: by the configuration, unless the call itself says `cache`. With
 * false it runs anew, and later calls get its answer.
 */
export function cachingOf({ cache: { ttlSeconds } }: Configuration, asked: boolean | undefined): Caching | undefined {
  if (ttlSeconds === 0 || (ttlSeconds === undefined && !asked)) return undefined;
  return { looks: asked !== false, ttlMs: (ttlSeconds ?? USUAL_TTL_SECONDS) * 1000 };
}

type Kept = Pick<Ports, "store" | "log">;

/** The earlier task of the owner that answers the same request. The owner is part of the key, and looked at all the same. */
export async function findAnswer(
  ports: Pick<Ports, "store" | "now">,
  owner: string,
  { key, ttlMs }: { key: string; ttlMs: number },
): Promise<Task | undefined> {
  const id = await ports.store.findAnswer(owner, key);
  const task = id === undefined ? undefined : await readable(ports.store, id);
  const isGood =
    task?.owner === owner && task.answerKey === key && isAnswer(task) && endedAtMs(task) > ports.now() - ttlMs;
  return isGood ? task : undefined;
}

/** Counts whether an earlier answer served a call. Nothing depends on the count, so nothing fails with it. */
export const noteLookup = ({ store, log }: Kept, owner: string, isHit: boolean): Promise<void> =>
  store.noteLookup(owner, isHit).catch((error) => log.warn(String(error)));

const ttlOf = ({ configuration }: Pick<Ports, "configuration">) =>
  configuration().cache.ttlSeconds ?? USUAL_TTL_SECONDS;

/** How many answers are kept of an owner, and how often they were of use. */
export async function cacheStats(
  ports: Pick<Ports, "store" | "now" | "configuration">,
  owner: string,
): Promise<ToolResult<"cache_stats">> {
  const ttl = ttlOf(ports);
  const { size, hits, misses } = await ports.store.answerStats(owner, ports.now() - ttl * 1000);
  const looked = hits + misses;
  return {
    enabled: (ports.configuration().cache.ttlSeconds ?? 0) > 0,
    size,
    max_size: ANSWER_PLACES,
    hits,
    misses,
    hit_rate: looked === 0 ? 0 : Math.round((hits / looked) * 1000) / 1000,
    ttl,
  };
}

/** Forgets all answers that are kept of an owner; their tasks stay. */
export async function clearCache(
  ports: Pick<Ports, "store" | "now" | "configuration">,
  owner: string,
): Promise<ToolResult<"cache_clear">> {
  const nowMs = ports.now();
  return { cleared: await ports.store.clearAnswers(owner, { nowMs, sinceMs: nowMs - ttlOf(ports) * 1000 }) };
}
