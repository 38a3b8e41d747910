import { numberOf } from "../json.ts";
import { hasEnded, type Task } from "../task.ts";
import type { Estimate } from "./estimate.ts";

/**
 * What a task has cost by what is known of it now, in US dollars: what its framework says, and what its session is estimated to
 * cost. What is made of others costs nothing itself.
 */
export const costOf = ({ orchestration, usage }: Task, estimate?: Estimate): number =>
  orchestration ? 0 : numberOf(usage?.costUsd) + (estimate?.controlPlaneUsd ?? 0) + (estimate?.computeUsdAtMost ?? 0);

/** What the agent of a task may spend where a call or the configuration bounds it, in US dollars. */
export const boundOf = ({ taskType, limits, hasBudgetOfTree }: Task): number | undefined =>
  taskType === "agent.run" && !hasBudgetOfTree ? limits.maxBudgetUsd : undefined;

/**
 * What a task that has ended adds to the cost of its tree, in US dollars; undefined where it adds nothing, and nothing was set
 * aside for it.
 */
export function shareOf(task: Task, estimate?: Estimate): { root: string; usd: number } | undefined {
  if (task.root === undefined || !hasEnded(task)) return undefined;
  const usd = costOf(task, estimate);
  return usd > 0 || boundOf(task) !== undefined ? { root: task.root, usd } : undefined;
}
