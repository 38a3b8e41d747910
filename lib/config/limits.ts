import type { Configuration, Runtime } from "../contract/configuration.ts";
import { defined } from "../contract/json.ts";
import type { orphanEnds } from "../contract/kinds.ts";
import { MAX_TIMEOUT_SECONDS } from "../contract/limits.ts";
import type { Limits } from "../contract/task.ts";

/** Of all that one request sets off; a `parallel.run` of as many items as it may have, with one answer of all, fits twice. */
const builtInOfTrees = {
  maxChildren: 1200,
  maxTreeTasks: 2500,
  treeBudgetUsd: 100,
  treeTimeoutSeconds: 7 * 86_400,
  orphans: "cancel",
} as const;

/** The limits of all that one request sets off, which hold where its first task is of that profile. */
export type TreeLimits = {
  maxDepth: number;
  maxChildren: number;
  maxTreeTasks: number;
  treeBudgetUsd: number;
  treeTimeoutSeconds: number;
  /** What becomes of what a task dispatched and that still runs when it ends. */
  orphans: (typeof orphanEnds)[number];
};

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
  const { treeTimeoutSeconds } = treeLimits(configuration, profile);
  const merged = { ...builtIn, ...defined(configuration.defaults.limits), ...defined(rest) };
  const needed = asked.jobTimeoutSeconds === undefined ? 0 : asked.jobTimeoutSeconds + merged.graceSeconds;
  return {
    maxRunning: merged.maxRunning,
    maxRunningPerProfile: rest.maxRunningPerProfile ?? ofProfile ?? merged.maxRunningPerProfile ?? merged.maxRunning,
    timeoutSeconds: Math.min(
      asked.timeoutSeconds ?? Math.max(merged.timeoutSeconds, needed),
      MAX_TIMEOUT_SECONDS,
      treeTimeoutSeconds,
    ),
    graceSeconds: merged.graceSeconds,
    maxDepth: merged.maxDepth,
    ...(merged.maxBudgetUsd !== undefined && { maxBudgetUsd: merged.maxBudgetUsd }),
    ...(merged.maxTokens !== undefined && { maxTokens: merged.maxTokens }),
    ...(merged.answerSeconds !== undefined && { answerSeconds: merged.answerSeconds }),
    ...(merged.unanswered !== undefined && { unanswered: merged.unanswered }),
  };
}

/** The limits of a tree whose root is of that profile: profile, then defaults, then those built in. No call has a say. */
export function treeLimits(configuration: Configuration, profile: Runtime | undefined): TreeLimits {
  const { maxDepth, maxChildren, maxTreeTasks, treeBudgetUsd, treeTimeoutSeconds, orphans } = {
    ...builtInOfTrees,
    maxDepth: builtIn.maxDepth,
    ...defined(configuration.defaults.limits),
    ...defined(profile?.limits ?? {}),
  };
  return { maxDepth, maxChildren, maxTreeTasks, treeBudgetUsd, treeTimeoutSeconds, orphans };
}
