import type { ShortRecord } from "../../../contract/tools/task-record.ts";
import type { Client } from "../../sdk/client.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { columnsOf, oneLine, printJson, table } from "../print.ts";
import { whatOf } from "../task-text.ts";
import { paintStatus, shortId } from "../tasks/task-line.ts";
import { reading, type TaskOptions, taskOf } from "../tasks/with-task.ts";

/** A task with those that it dispatched, the oldest first. */
type Branch = { task: ShortRecord; children: Branch[] };

const PAGE = 100;

/** `agent-dispatch tree <id>` */
export function tree(context: Context, text: string, options: TaskOptions): Promise<number> {
  return reading(context, options, async (client) => {
    const { io } = context;
    const { id, createdAt } = await (await taskOf(context, options, client, text)).status();
    const whole = branch(id, byParent(await since(client, id, createdAt)));
    if (!whole) throw new Error(`the list of tasks has no ${id}`);
    if (options.json) await printJson(io, whole);
    else await write(io.stdout, table([...rows(io, whole, "", "")], columnsOf(io.stdout)));
    return 0;
  });
}

/** The tasks that are no older than one, with it. The list has the newest first. */
async function since(client: Client, id: string, createdAt: string): Promise<ShortRecord[]> {
  const found: ShortRecord[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.call("list_tasks", { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items);
    cursor = page.cursor;
    const isPast = page.items.some((task) => task.createdAt < createdAt) && found.some((task) => task.id === id);
    if (cursor === undefined || isPast) return found;
  }
}

/** The tasks by whose they are, each list in the order in which they were made; the one at the top by its own id. */
function byParent(tasks: readonly ShortRecord[]): Map<string, ShortRecord[]> {
  const all = new Map<string, ShortRecord[]>();
  for (const task of tasks.toReversed()) {
    all.set(`/${task.id}`, [task]);
    if (task.parent !== undefined) all.set(task.parent, [...(all.get(task.parent) ?? []), task]);
  }
  return all;
}

function branch(id: string, tasks: Map<string, ShortRecord[]>): Branch | undefined {
  const [task] = tasks.get(`/${id}`) ?? [];
  const children = (tasks.get(id) ?? []).flatMap((child) => branch(child.id, tasks) ?? []);
  return task && { task, children };
}

function* rows(io: Io, { task, children }: Branch, first: string, rest: string): Generator<string[]> {
  const what = oneLine(whatOf(task));
  yield [`${first}${shortId(task.id)}`, paintStatus(io.stdout, task.status), oneLine(task.profile ?? "-"), what];
  for (const [at, child] of children.entries()) {
    const isLast = at === children.length - 1;
    yield* rows(io, child, `${rest}${isLast ? "└ " : "├ "}`, `${rest}${isLast ? "  " : "│ "}`);
  }
}
