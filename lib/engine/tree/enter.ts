import { taskTerminal } from "../../contract/errors.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import type { Ports } from "../ports.ts";
import { nothingLeft, timeIsOver } from "./bound.ts";
import { idsOf, spendingOf } from "./budget.ts";
import { limitReached, limitsOf, rootOf } from "./limits.ts";
import { leavesNothing } from "./orphans.ts";

/**
 * Lets a task that is about to be made into the tree that it is a part of: its parent owes from then on what it leaves, and
 * it is counted, both before it is made. Whoever dies in between leaves it counted: the same call, sent again with its key,
 * makes that very task; without one the tree has a place less. Throws RefusedError `tree.limit` or `task.terminal`; a task
 * that is in stays in.
 */
export async function enterTree(ports: Ports, task: Task, above: readonly Task[]): Promise<void> {
  const parent = above[0];
  const root = rootOf(above);
  if (!parent || !root) return;
  const { maxTreeTasks } = limitsOf(ports, root.task ?? parent);
  const { maxChildren } = limitsOf(ports, parent);
  const late = timeIsOver(ports, "tree.limit", task, above);
  if (late) throw late;
  const spending = spendingOf(ports, above, await ports.store.getSpending(root.id, idsOf(above)));
  // What is set aside for others may be free again when its turn comes.
  const leftUsd = spending.budgetUsd - spending.spentUsd - spending.heldUsd;
  const spent = nothingLeft("tree.limit", root.id, { ...spending, setAsideUsd: spending.heldUsd, leftUsd });
  if (spent) throw spent;
  await oweWhatIsBelow(ports, parent);
  // The root is one of them.
  const room = { mostTasks: maxTreeTasks - 1, mostChildren: maxChildren };
  const answer = await ports.store.enterTree(root.id, { taskId: task.id, parent: parent.id }, room);
  if (answer === "tree_full") {
    const reached = { root: root.id, limit: "maxTreeTasks", value: maxTreeTasks } as const;
    throw limitReached("tree.limit", "as many tasks are there as may be", reached);
  }
  if (answer === "children_full") {
    const reached = { root: root.id, limit: "maxChildren", value: maxChildren, taskId: parent.id } as const;
    throw limitReached("tree.limit", `task ${parent.id} has dispatched as many tasks as it may`, reached);
  }
}

/** What is made of others sees to what is below it in any case, when it ends. */
async function oweWhatIsBelow(ports: Ports, parent: Task): Promise<void> {
  if (parent.orchestration || parent.obligations.dispatched) return;
  await ports.store.change(parent.id, (now) => {
    if (leavesNothing(ports, now)) throw taskTerminal(now.id, now.status);
    const leavesAll = hasEnded(now) || now.status === "cancelling";
    return leavesAll || now.obligations.dispatched
      ? undefined
      : { ...now, obligations: { ...now.obligations, dispatched: true } };
  });
}
