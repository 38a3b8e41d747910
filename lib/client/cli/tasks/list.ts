import type { Status } from "../../../contract/lifecycle.ts";
import type { ToolArguments } from "../../../contract/tools/index.ts";
import type { ShortRecord } from "../../../contract/tools/task-record.ts";
import type { Client } from "../../sdk/client.ts";
import { commandName, quote } from "../command-name.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { columnsOf, formatTime, oneLine, paint, printJson, table } from "../print.ts";
import { placeWords } from "../systems/place.ts";
import { whatOf } from "../task-text.ts";
import { paintStatus, shortId } from "./task-line.ts";
import { reading, type TaskOptions } from "./with-task.ts";

type ListOptions = TaskOptions & { status?: Status; limit: number; cursor?: string; all?: boolean };

/** How many tasks a reply has at most. */
const PAGE = 100;
const MAX_PROFILE = 14;

/** `agent-dispatch list [--status] [--limit] [--cursor] [--all]`: a page of the tasks, the newest first, or all of them. */
export function list(context: Context, options: ListOptions): Promise<number> {
  return reading(context, options, async (client) => {
    const { io } = context;
    const items: ShortRecord[] = [];
    let cursor = options.cursor;
    for (;;) {
      const page = await readPage(client, options, cursor);
      items.push(...page.items);
      cursor = page.cursor;
      if (!options.all || cursor === undefined) break;
    }
    if (options.json) await printJson(io, { items, ...(cursor !== undefined && { cursor }) });
    else {
      await write(io.stdout, items.length === 0 ? "no tasks\n" : listText(io, items));
      if (cursor !== undefined) await write(io.stderr, paint(io.stderr, "dim", `more: ${nextPage(options, cursor)}\n`));
    }
    return 0;
  });
}

function readPage(client: Client, { status, limit, all }: ListOptions, cursor: string | undefined) {
  const filter: ToolArguments<"list_tasks"> = { limit: all ? PAGE : limit, ...(status && { status }) };
  return client.call("list_tasks", { ...filter, ...(cursor !== undefined && { cursor }) });
}

/** The command that shows the page behind that cursor. */
function nextPage({ status, limit, ...place }: ListOptions, cursor: string): string {
  const filter = `${status ? ` --status ${status}` : ""} --limit ${limit}`;
  return `${commandName()} list${placeWords(place)}${filter} --cursor ${quote(cursor)}`;
}

/** Tasks in a line each, as wide as there is room: enough of the id to name it, and the rest of the line for what it is. */
function listText(io: Io, items: readonly ShortRecord[]): string {
  const head = ["task", "status", "profile", "created", "what"].map((name) => paint(io.stdout, "dim", name));
  const rows = items.map((task) => [
    shortId(task.id),
    paintStatus(io.stdout, task.status),
    oneLine(task.profile ?? "-", MAX_PROFILE),
    formatTime(task.createdAt),
    oneLine(whatOf(task)),
  ]);
  return table([head, ...rows], columnsOf(io.stdout));
}
