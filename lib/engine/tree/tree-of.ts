import { defined } from "../../contract/json.ts";
import { countFitting, LIST_ENDS, MAX_REPLY } from "../../contract/replies/reply-size.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import type { Member, Standing } from "../../contract/tools/get-task-status.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { readable } from "../../store/stored-task.ts";
import { breather } from "../admission/breather.ts";
import { inLanes } from "../in-lanes.ts";
import type { Ports, ReadPorts } from "../ports.ts";
import { shortRecord } from "../record.ts";
import { costOf, spendingOf } from "./budget.ts";
import { endOfTree, limitsOf } from "./limits.ts";
import { isReached } from "./within.ts";

const LANES = 16;
/** Tasks that are read for one page at most. */
const PAGE = 100;

const rootOf = ({ id, root }: Task): string => root ?? id;

/**
 * A page of all that was set off together with a task, the root first; also of one that dispatched nothing. A page is read by the
 * ids of its tasks alone, so that a long tree costs no more to read than it has tasks. Throws RetryableError.
 */
export async function treePage(
  ports: ReadPorts,
  task: Task,
  after: string | undefined,
): Promise<Omit<ToolResult<"get_task_tree">, "standing">> {
  const root = rootOf(task);
  const tree = await ports.store.getTree(root);
  // What is known of a tree goes with its root, which may be before what it dispatched.
  const below = tree?.tasks ?? (task.id === root ? [] : [task.id]);
  const all = after === undefined ? [root, ...below] : below.filter((id) => after === root || id > after);
  const ids = all.slice(0, PAGE);
  const known = await inLanes(LANES, ids, async (id) => {
    const one = await readable(ports.store, id);
    return one && one.owner === task.owner && (await isReached(ports, one)) ? one : undefined;
  });
  const members = known.map((one) => one && memberOf(ports, one, tree?.children[one.id] ?? 0));
  const fitting = countFitting(members, MAX_REPLY - LIST_ENDS);
  const cursor = fitting < all.length ? ids[fitting - 1] : undefined;
  const shown = members.slice(0, fitting).filter((one) => one !== undefined);
  return { root, items: shown.sort(byPlace), ...defined({ cursor }) };
}

/** How the whole tree of a task stands, and what is left of each limit. Throws RetryableError. */
export async function standingOf(ports: Ports, task: Task): Promise<Standing> {
  const id = rootOf(task);
  const tree = await ports.store.getTree(id);
  // The root may be forgotten before what it dispatched; then the limits are those of whose tree is looked at.
  const top = (id === task.id ? task : await readable(ports.store, id)) ?? task;
  const childrenOf = (one: Task) => use(limitsOf(ports, one).maxChildren, tree?.children[one.id] ?? 0);
  const breathe = breather();
  // Of thousands only this is kept, and whole only those that run.
  const known = await inLanes(LANES, tree?.tasks ?? [], async (below) => {
    await breathe();
    const one = await readable(ports.store, below);
    return one && { depth: one.depth, children: childrenOf(one), running: hasEnded(one) ? undefined : one };
  });
  const others = known.filter((one) => one !== undefined);
  const limits = limitsOf(ports, top);
  const endsAtMs = endOfTree(ports, [top]) ?? 0;
  const seconds = limits.treeTimeoutSeconds;
  const count = 1 + (tree?.tasks.length ?? 0);
  const depth = others.reduce((most, one) => Math.max(most, one.depth), top.depth);
  const below = others.flatMap(({ running }) => (running && running.id !== top.id ? [running] : []));
  const { spentUsd: paidUsd = 0, setAsideUsd: asideOf = {} } = tree ?? {};
  const setAsideUsd = Object.values(asideOf).reduce((sum, usd) => sum + usd, 0);
  const { spentUsd, leftUsd } = spendingOf(ports, [...below, top], { spentUsd: paidUsd, setAsideUsd, asideOf });
  return {
    tasks: count,
    running: below.length + (hasEnded(top) ? 0 : 1),
    depth,
    spentUsd,
    endsAt: new Date(endsAtMs).toISOString(),
    limits: {
      maxDepth: use(limits.maxDepth, depth),
      maxChildren: others.reduce(
        (least, { children }) => (children.left < least.left ? children : least),
        childrenOf(top),
      ),
      maxTreeTasks: use(limits.maxTreeTasks, count),
      treeBudgetUsd: { value: limits.treeBudgetUsd, used: spentUsd, left: Math.max(0, leftUsd) },
      treeTimeoutSeconds: use(seconds, seconds - (endsAtMs - ports.now()) / 1000),
    },
  };
}

const use = (value: number, used: number) => ({ value, used, left: Math.max(0, value - used) });

const byPlace = (a: Member, b: Member): number =>
  a.depth - b.depth || Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : 1);

const memberOf = (ports: Pick<ReadPorts, "backends">, task: Task, children: number): Member => {
  const { depth, position } = task;
  return { ...shortRecord(task), ...defined({ depth, position }), children, costUsd: costOf(ports, task) };
};
