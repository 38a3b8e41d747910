import { own } from "../../contract/configuration.ts";
import { numberOf } from "../../contract/json.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import type { TreeSpending } from "../../store/port.ts";
import type { Ports } from "../ports.ts";
import { limitsOf, rootOf } from "./limits.ts";

/**
 * What a task has cost by what is known of it now, in US dollars: what its framework says, and what its session is estimated to
 * cost. What is made of others costs nothing itself.
 */
export function costOf(ports: Pick<Ports, "backends">, task: Task): number {
  if (task.orchestration) return 0;
  const estimate = own(ports.backends, task.backend)?.estimate?.(task);
  return numberOf(task.usage?.costUsd) + (estimate?.controlPlaneUsd ?? 0) + (estimate?.computeUsdAtMost ?? 0);
}

/**
 * Of a budget, in US dollars. `setAsideUsd` is what tasks that run may still spend, and `heldUsd` the part of it that is not free
 * before those end which are above the one in question.
 */
export type Spending = { spentUsd: number; setAsideUsd: number; heldUsd: number; leftUsd: number; budgetUsd: number };

/** What the agent of a task may spend where a call or the configuration bounds it, in US dollars. */
export const boundOf = ({ taskType, limits, hasBudgetOfTree }: Task): number | undefined =>
  taskType === "agent.run" && !hasBudgetOfTree ? limits.maxBudgetUsd : undefined;

/**
 * What is spent of the budget of a tree, and left of it, in US dollars: by the tasks that have ended, by the root, and by those in
 * the line above one that still run, as far as they have said. What is set aside for those that run, or bounds the root while it
 * does, is not left.
 */
export function spendingOf(
  ports: Pick<Ports, "backends" | "configuration">,
  above: readonly Task[],
  tree: TreeSpending,
): Spending {
  const root = rootOf(above);
  const counted = above.filter((task) => task.id === root?.id || !hasEnded(task));
  let { spentUsd, setAsideUsd: ofOthers } = tree;
  let heldUsd = 0;
  for (const task of counted) {
    const costUsd = costOf(ports, task);
    const aside = tree.asideOf[task.id];
    const bound = task.id === root?.id && !hasEnded(task) ? boundOf(task) : aside;
    spentUsd += costUsd;
    heldUsd += Math.max(0, (bound ?? 0) - costUsd);
    ofOthers -= aside ?? 0;
  }
  // Whole millionths are set aside; the rest is what a sum of fractions is off by.
  const setAsideUsd = Math.round(ofOthers * 1e6) / 1e6 + heldUsd;
  const { treeBudgetUsd } = limitsOf(ports, root?.task ?? above[0] ?? { profile: "" });
  return { spentUsd, setAsideUsd, heldUsd, leftUsd: treeBudgetUsd - spentUsd - setAsideUsd, budgetUsd: treeBudgetUsd };
}

export const idsOf = (tasks: readonly Task[]): string[] => tasks.map(({ id }) => id);

/** Adds what a task has cost to its tree, once it has ended, in place of what was set aside for it. Repeating is safe. */
export async function payTree(ports: Ports, task: Task): Promise<void> {
  if (task.root === undefined || !hasEnded(task)) return;
  const usd = costOf(ports, task);
  if (usd > 0 || boundOf(task) !== undefined) await ports.store.addCost(task.root, task.id, usd);
}
