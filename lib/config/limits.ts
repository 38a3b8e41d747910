import type { Configuration, Runtime } from "../contract/configuration.ts";
import { defined } from "../contract/json.ts";
import { MAX_TIMEOUT_SECONDS } from "../contract/limits.ts";
import type { Limits } from "../contract/task.ts";

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
    ...(merged.maxTokens !== undefined && { maxTokens: merged.maxTokens }),
    ...(merged.answerSeconds !== undefined && { answerSeconds: merged.answerSeconds }),
    ...(merged.unanswered !== undefined && { unanswered: merged.unanswered }),
  };
}
