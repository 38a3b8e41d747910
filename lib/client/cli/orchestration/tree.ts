import type { ToolResult } from "../../../contract/tools/index.ts";
import type { Client } from "../../sdk/client.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { columnsOf, formatDuration, oneLine, paint, printJson, table } from "../print.ts";
import { whatOf } from "../task-text.ts";
import { paintStatus, shortId } from "../tasks/task-line.ts";
import { reading, type TaskOptions, taskOf } from "../tasks/with-task.ts";

type Page = ToolResult<"get_task_tree">;
type Member = Page["items"][number];
type Whole = Pick<Page, "root" | "standing" | "items">;

/** A task with those that it dispatched, the oldest first. */
type Branch = { task: Member; children: Branch[] };

/** `agent-dispatch tree <id>` */
export function tree(context: Context, text: string, options: TaskOptions): Promise<number> {
  return reading(context, options, async (client) => {
    const { io } = context;
    const { id } = await taskOf(context, options, client, text);
    const { root, standing, items } = await wholeOf(client, id);
    const shown = branchOf(id, items);
    if (!shown) throw new Error(`the tree of ${id} is without it`);
    if (options.json) await printJson(io, { ...shown, root, ...(standing && { standing }) });
    else {
      await write(io.stdout, table([...rows(io, shown, "", "")], columnsOf(io.stdout)));
      for (const line of standing ? standingLines(standing, root === id ? undefined : root) : [])
        await write(io.stdout, `${paint(io.stdout, "dim", line)}\n`);
    }
    return 0;
  });
}

async function wholeOf(client: Client, task_id: string): Promise<Whole> {
  const { cursor, ...whole } = await client.call("get_task_tree", { task_id });
  for (let next = cursor; next !== undefined; ) {
    const page = await client.call("get_task_tree", { task_id, cursor: next });
    whole.items.push(...page.items);
    next = page.cursor;
  }
  return whole;
}

/** A task with all below it, each list in the order in which it was made. */
function branchOf(id: string, tasks: readonly Member[]): Branch | undefined {
  const branches = new Map(tasks.toSorted(byAge).map((task): [string, Branch] => [task.id, { task, children: [] }]));
  for (const branch of branches.values()) branches.get(branch.task.parent ?? "")?.children.push(branch);
  return branches.get(id);
}

/** What a task is made of stands in its order, before what was dispatched besides. */
const byAge = (a: Member, b: Member): number =>
  (a.position ?? Number.MAX_VALUE) - (b.position ?? Number.MAX_VALUE) ||
  Date.parse(a.createdAt) - Date.parse(b.createdAt);

function* rows(io: Io, { task, children }: Branch, first: string, rest: string): Generator<string[]> {
  const what = oneLine(whatOf(task));
  yield [`${first}${shortId(task.id)}`, paintStatus(io.stdout, task.status), oneLine(task.profile ?? "-"), what];
  for (const [at, child] of children.entries()) {
    const isLast = at === children.length - 1;
    yield* rows(io, child, `${rest}${isLast ? "└ " : "├ "}`, `${rest}${isLast ? "  " : "│ "}`);
  }
}

/** What the whole tree took, and what is left of its limits; `root` where it began with another task. */
function* standingLines({ tasks, running, spentUsd, limits }: NonNullable<Page["standing"]>, root?: string) {
  const of = root === undefined ? "" : ` in the tree of ${root}`;
  yield `${tasks} ${tasks === 1 ? "task" : "tasks"}${of}, ${running} not ended, ${usd(spentUsd)} spent`;
  const { maxTreeTasks, maxDepth, treeBudgetUsd, treeTimeoutSeconds } = limits;
  const left = [
    `${maxTreeTasks.left} of ${maxTreeTasks.value} tasks`,
    `${maxDepth.left} of ${maxDepth.value} levels`,
    `${usd(treeBudgetUsd.left)} of ${usd(treeBudgetUsd.value)}`,
    `${formatDuration(treeTimeoutSeconds.left * 1000)} of ${formatDuration(treeTimeoutSeconds.value * 1000)}`,
  ];
  yield `left: ${left.join(", ")}`;
}

const usd = (value: number): string => `$${value.toFixed(2)}`;
