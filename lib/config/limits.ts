import type { Configuration, Runtime } from "../contract/configuration.ts";
import type { Limits } from "../contract/task.ts";

/** Longest time a task may ask for, in seconds: the machine it runs on ends at eight hours. */
export const MAX_TIMEOUT_SECONDS = 27_000;

const builtIn = { maxRunning: 8, timeoutSeconds: 3600, graceSeconds: 10, maxDepth: 3 };

/**
 * The limits of a task: call, then profile, then defaults, then those built in. `maxRunning` of a profile counts that
 * profile alone. `jobTimeoutSeconds` is what the job asks for itself: it raises the time a task is given by default.
 */
export function resolveLimits(
  configuration: Configuration,
  profile: Runtime | undefined,
  asked: { timeoutSeconds?: number | undefined; jobTimeoutSeconds?: number | undefined },
): Limits {
  const { maxRunning: ofProfile, ...rest } = profile?.limits ?? {};
  const merged = { ...builtIn, ...defined(configuration.defaults.limits), ...defined(rest) };
  const needed = asked.jobTimeoutSeconds === undefined ? 0 : asked.jobTimeoutSeconds + merged.graceSeconds;
  return {
    maxRunning: merged.maxRunning,
    maxRunningPerProfile: rest.maxRunningPerProfile ?? ofProfile ?? merged.maxRunningPerProfile ?? merged.maxRunning,
    timeoutSeconds: Math.min(asked.timeoutSeconds ?? Math.max(merged.timeoutSeconds, needed), MAX_TIMEOUT_SECONDS),
    graceSeconds: merged.graceSeconds,
    maxDepth: merged.maxDepth,
    ...(merged.maxBudgetUsd !== undefined && { maxBudgetUsd: merged.maxBudgetUsd }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Fields that are undefined must not hide those of the layer below. */
const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
