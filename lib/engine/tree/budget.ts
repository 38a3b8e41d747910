import { estimateOf } from "../../backends/estimate.ts";
import { boundOf, costOf as costBy, shareOf } from "../../contract/costs/of-task.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import type { TreeSpending } from "../../store/port.ts";
import type { Ports } from "../ports.ts";
import { limitsOf, rootOf } from "./limits.ts";

/** What a task has cost by what is known of it now, in US dollars, with the estimate of its backend. */
export const costOf = (ports: Pick<Ports, "backends">, task: Task): number =>
  costBy(task, estimateOf(ports.backends, task));

/**
 * Of a budget, in US dollars. `setAsideUsd` is what tasks that run may still spend, and `heldUsd` the part of it that is not free
 * before those end which are above the one in question.
 */
export type Spending = { spentUsd: number; setAsideUsd: number; heldUsd: number; leftUsd: number; budgetUsd: number };

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

/**
 * Adds what a task has cost to its tree, where whoever wrote its end has died before that was done (see `TaskStore.change`). Repeating
 * is safe.
 */
export async function payTree(ports: Ports, task: Task): Promise<void> {
  const share = shareOf(task, estimateOf(ports.backends, task));
  if (share) await ports.store.addCost(share.root, task.id, share.usd);
}
