import { hasEnded, type Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import { lineage } from "../admission/lineage.ts";
import { inLanes } from "../in-lanes.ts";
import type { Ports } from "../ports.ts";
import { costOf, spendingOf } from "./budget.ts";
import { endOfTree, limitsOf } from "./limits.ts";

const LANES = 16;

/** A task of a tree; `children` is how many it has dispatched, and `costUsd` what it has cost as far as that is known. */
type Member = Pick<Task, "id" | "parent" | "depth" | "status" | "taskType" | "profile"> & {
  children: number;
  costUsd: number;
};

/** What a limit allows, what of it is used, and what is left: of a budget not what is set aside for tasks that run. */
type Use = { value: number; used: number; left: number };

/** A whole tree: `maxChildren` is that of the task of it which has least left. */
export type TreeView = {
  root: string;
  /** The root first, then by depth and when they were made; those that the store has forgotten are only counted. */
  tasks: Member[];
  count: number;
  running: number;
  depth: number;
  spentUsd: number;
  limits: Record<"maxDepth" | "maxChildren" | "maxTreeTasks" | "treeBudgetUsd" | "treeTimeoutSeconds", Use>;
  /** When its time is over, in epoch milliseconds. */
  endsAtMs: number;
};

/** All that was set off with a task, and what is left of each limit; also of one that dispatched nothing. Throws RetryableError. */
export async function treeOf(ports: Ports, task: Task): Promise<TreeView> {
  const above = [task, ...(await lineage(ports, task))];
  const root = above.find(({ id }) => id === task.root) ?? (above.at(-1) as Task);
  const tree = await ports.store.getTree(root.id);
  const below = await inLanes(LANES, tree?.tasks ?? [], (id) => readable(ports.store, id));
  const known = [root, ...below.filter((one) => one !== undefined)].sort(byPlace);
  const childrenOf = (id: string) => tree?.children[id] ?? 0;
  const limits = limitsOf(ports, root);
  const endsAtMs = endOfTree(ports, [root]) ?? 0;
  const seconds = limits.treeTimeoutSeconds;
  const count = 1 + (tree?.tasks.length ?? 0);
  const depth = known.reduce((most, one) => Math.max(most, one.depth), 0);
  const running = known.filter((one) => !hasEnded(one));
  const counted = [...running.filter(({ id }) => id !== root.id), root];
  const { spentUsd: paidUsd = 0, setAsideUsd: asideOf = {} } = tree ?? {};
  const setAsideUsd = Object.values(asideOf).reduce((sum, usd) => sum + usd, 0);
  const { spentUsd, leftUsd } = spendingOf(ports, counted, { spentUsd: paidUsd, setAsideUsd, asideOf });
  const ofChildren = known.map((one) => use(limitsOf(ports, one).maxChildren, childrenOf(one.id)));
  return {
    root: root.id,
    tasks: known.map((one) => member(ports, one, childrenOf(one.id))),
    count,
    running: running.length,
    depth,
    spentUsd,
    limits: {
      maxDepth: use(limits.maxDepth, depth),
      maxChildren: ofChildren.reduce((least, one) => (one.left < least.left ? one : least)),
      maxTreeTasks: use(limits.maxTreeTasks, count),
      treeBudgetUsd: { value: limits.treeBudgetUsd, used: spentUsd, left: Math.max(0, leftUsd) },
      treeTimeoutSeconds: use(seconds, seconds - (endsAtMs - ports.now()) / 1000),
    },
    endsAtMs,
  };
}

const use = (value: number, used: number): Use => ({ value, used, left: Math.max(0, value - used) });

const byPlace = (a: Task, b: Task): number =>
  a.depth - b.depth || Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : 1);

const member = (ports: Ports, task: Task, children: number): Member => {
  const { id, parent, depth, status, taskType, profile } = task;
  return {
    id,
    ...(parent !== undefined && { parent }),
    depth,
    status,
    taskType,
    profile,
    children,
    costUsd: costOf(ports, task),
  };
};
