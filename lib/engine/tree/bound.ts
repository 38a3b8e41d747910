import { boundOf } from "../../contract/costs/of-task.ts";
import type { RefusedError } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import { lineage } from "../admission/lineage.ts";
import type { Ports } from "../ports.ts";
import { idsOf, type Spending, spendingOf } from "./budget.ts";
import { limitReached, limitsOf, rootOf } from "./limits.ts";

type Code = Parameters<typeof limitReached>[0];

/** What says that the time of a task's tree is over; undefined where it is not, and for one that is in no tree. */
export function timeIsOver(
  ports: Pick<Ports, "configuration" | "now">,
  code: Code,
  { treeEndsAtMs }: Task,
  above: readonly Task[],
): RefusedError | undefined {
  const root = rootOf(above);
  if (!root || treeEndsAtMs === undefined || treeEndsAtMs > ports.now()) return undefined;
  const value = limitsOf(ports, root.task ?? { profile: "" }).treeTimeoutSeconds;
  return limitReached(code, "no time is left", { root: root.id, limit: "treeTimeoutSeconds", value });
}

/** Less than that, in US dollars, is nothing: no framework counts it. */
const LEAST_USD = 1e-6;

/** What says that nothing is left to spend; undefined where something is. */
export function nothingLeft(
  code: Code,
  root: string,
  { leftUsd, setAsideUsd, budgetUsd }: Spending,
): RefusedError | undefined {
  if (leftUsd >= LEAST_USD) return undefined;
  const aside = Math.round(setAsideUsd * 1e6) / 1e6;
  const what =
    aside > 0 ? `nothing is left to spend beside ${aside} that tasks which run may` : "nothing is left to spend";
  return limitReached(code, what, {
    ...{ root, limit: "treeBudgetUsd", value: budgetUsd },
    ...(aside > 0 && { setAsideUsd: aside }),
  });
}

/** What is left for a task of a tree that is about to run. */
type Left = { usd: number; endsAtMs: number };

/**
 * What is left for a task that is about to run of what its tree may spend, and of its time; undefined for one that is in no tree.
 * Of one whose agent is bounded that is set aside, until it has ended; again it gets the same. Throws RefusedError `task.budget` or
 * `task.timeout` where nothing is left.
 */
export async function leftFor(ports: Ports, task: Task): Promise<Left | undefined> {
  const { root, treeEndsAtMs = Number.POSITIVE_INFINITY } = task;
  if (root === undefined) return undefined;
  const above = await lineage(ports, task);
  const late = timeIsOver(ports, "task.timeout", task, above);
  if (late) throw late;
  return { usd: await leftToSpend(ports, task, root, above), endsAtMs: treeEndsAtMs };
}

async function leftToSpend(ports: Ports, task: Task, root: string, above: readonly Task[]): Promise<number> {
  const tree = await ports.store.getSpending(root, idsOf([task, ...above]));
  const before = tree.asideOf[task.id];
  if (before !== undefined) return before;
  const spending = spendingOf(ports, above, tree);
  const spent = nothingLeft("task.budget", root, spending);
  if (spent) throw spent;
  const bound = boundOf(task);
  if (bound === undefined) return spending.leftUsd;
  // What the store counts itself, of those that come at the same time too, is left to it.
  const mostUsd = spending.leftUsd + tree.spentUsd + tree.setAsideUsd;
  const usd = await ports.store.setAside(root, task.id, bound, mostUsd);
  const taken = nothingLeft("task.budget", root, {
    ...spending,
    setAsideUsd: spending.budgetUsd - spending.spentUsd,
    leftUsd: usd ?? spending.leftUsd,
  });
  if (taken) throw taken;
  return usd ?? spending.leftUsd;
}

/** The task with no more time and money than its tree has left. */
function bounded(task: Task, { usd, endsAtMs }: Left, nowMs: number): Task {
  const { timeoutSeconds, maxBudgetUsd = Number.POSITIVE_INFINITY } = task.limits;
  const seconds = Math.max(1, Math.ceil((endsAtMs - nowMs) / 1000));
  const inTime = { ...task.limits, timeoutSeconds: Math.min(timeoutSeconds, seconds) };
  // A command takes no budget.
  if (task.taskType !== "agent.run") return { ...task, limits: inTime };
  const limits = { ...inTime, maxBudgetUsd: Math.min(maxBudgetUsd, usd) };
  return { ...task, limits, ...(boundOf(task) === undefined && { hasBudgetOfTree: true }) };
}

/**
 * Bounds a task to what its tree has left before its job is handed over, as its record then says; one that may have been
 * handed over stays as it is. Throws as `leftFor` does.
 */
export async function boundByTree(ports: Ports, task: Task): Promise<Task> {
  const mayRun = (one: Task) => one.status !== "starting" || one.session?.startAttemptedAtMs !== undefined;
  if (mayRun(task)) return task;
  const left = await leftFor(ports, task);
  if (!left) return task;
  return ports.store.change(task.id, (now) => (mayRun(now) ? undefined : bounded(now, left, ports.now())));
}
