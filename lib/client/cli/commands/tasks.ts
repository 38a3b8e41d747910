import { isTerminal, type Status } from "../../../contract/lifecycle.ts";
import type { ShortRecord, TaskRecord } from "../../../contract/tools/task-record.ts";
import type { Client } from "../../sdk/client.ts";
import type { ClientTask } from "../../sdk/task.ts";
import type { Context } from "../context.ts";
import { exitCodeOf, NOT_ENDED } from "../exit-code.ts";
import { harmless } from "../harmless.ts";
import { type Io, write } from "../io.ts";
import { printOutcome } from "../outcome.ts";
import { clip, columnsOf, formatDuration, formatTime, oneLine, paint, printJson, table } from "../print.ts";
import { openReading, openRunning } from "../systems/open-client.ts";
import type { Place } from "../systems/place.ts";
import { findTaskId } from "../task-id.ts";
import { paintStatus, shortId } from "../task-line.ts";
import { whatOf } from "../task-text.ts";
import { hintInTerms } from "../terms.ts";

type Options = Place & { json?: boolean };

/** Runs a command with a client that is closed after it. */
async function using(opening: Promise<Client>, use: (client: Client) => Promise<number>): Promise<number> {
  const client = await opening;
  return await use(client).finally(() => client.close());
}

type Use = (task: ClientTask) => Promise<number>;

const withTask = (opening: Promise<Client>, text: string, use: Use): Promise<number> =>
  using(opening, async (client) => use(client.task(await findTaskId(client, text))));

/** Runs a command at the system that runs, about a task that is named by its id or by the beginning of it. */
const atTask = (context: Context, place: Place, text: string, use: Use): Promise<number> =>
  withTask(openRunning(context, place), text, use);

/** The same for what only reads, which needs no system that runs. */
const readTask = (context: Context, place: Place, text: string, use: Use): Promise<number> =>
  withTask(openReading(context, place), text, use);

/** `agent-dispatch status <id>` */
export function showStatus(context: Context, text: string, options: Options): Promise<number> {
  return readTask(context, options, text, async (task) => {
    const record = await task.status();
    if (options.json) await printJson(context.io, record);
    else await write(context.io.stdout, table(statusRows(context.io, record, options)));
    return 0;
  });
}

function statusRows(io: Io, record: TaskRecord, place: Place): string[][] {
  const { queuePosition, progress: { message: progress = "" } = {} } = record;
  const position = queuePosition === undefined ? [] : [["queue position", String(queuePosition)]];
  const rows = [
    ["task", record.id],
    ["what", oneLine(whatOf(record)) || record.taskType],
    ["status", paintStatus(io.stdout, record.status)],
    ...position,
    ...(record.conversation === undefined ? [] : [["conversation", record.conversation]]),
    ["created", formatTime(record.createdAt)],
    [isTerminal(record.status) ? "took" : "running for", formatDuration(ageMs(record))],
    ...(progress ? [["progress", oneLine(progress)]] : []),
    ...(record.error ? [["error", `${oneLine(record.error.message, 2000)} (${record.error.code})`]] : []),
    ...(record.error?.hint ? [["hint", oneLine(hintInTerms(record.error.hint, place, record.id), 2000)]] : []),
  ];
  return rows.map(([name = "", value = ""]) => [paint(io.stdout, "dim", name), value]);
}

/** `agent-dispatch logs <id> [--follow]` */
export function showLogs(context: Context, text: string, options: Options & { follow?: boolean }): Promise<number> {
  return readTask(context, options, text, async (task) => {
    const { io } = context;
    let length = 0;
    let whole = "";
    for await (const data of task.logs({ follow: options.follow })) {
      length += data.length;
      if (options.json) whole += data;
      else await write(io.stdout, harmless(io.stdout, data));
    }
    if (options.json) await printJson(io, { taskId: task.id, cursor: 0, nextCursor: length, data: whole });
    return options.follow ? exitCodeOf(await task.result({ preview: true })) : 0;
  });
}

/** `agent-dispatch result <id>` */
export function showResult(context: Context, text: string, options: Options): Promise<number> {
  return readTask(context, options, text, async (task) => {
    const { io } = context;
    const outcome = await task.result({ preview: true });
    if (options.json) await printJson(io, outcome);
    else if (!isTerminal(outcome.status)) await write(io.stderr, `the task has not ended: it is ${outcome.status}\n`);
    else {
      const record = await task.status();
      if (record.taskType === "command.run" && outcome.result !== undefined) await printJson(io, outcome.result);
      await printOutcome(io, record, outcome, { elapsedMs: ageMs(record), place: options });
    }
    return isTerminal(outcome.status) ? exitCodeOf(outcome) : NOT_ENDED;
  });
}

/** `agent-dispatch cancel <id> [--no-cascade]` */
export function cancel(context: Context, text: string, options: Options & { cascade: boolean }): Promise<number> {
  return atTask(context, options, text, async (task) => {
    const reply = await task.cancel({ ...(!options.cascade && { cascade: false }) });
    if (options.json) await printJson(context.io, reply);
    else await write(context.io.stdout, `${task.id} ${reply.status}\n`);
    return 0;
  });
}

/** `agent-dispatch a2a-send <id> <text>` */
export function send(
  context: Context,
  text: string,
  message: string,
  { timeout, ...options }: Options & { timeout?: number },
): Promise<number> {
  return atTask(context, options, text, async (task) => {
    const { io } = context;
    const reply = await task.send(message, { ...(timeout !== undefined && { timeoutMs: timeout * 1000 }) });
    const said = reply.error?.message ?? reply.question ?? reply.reply;
    if (options.json) await printJson(io, reply);
    else if (said !== undefined) await write(io.stdout, harmless(io.stdout, `${said}\n`));
    else await write(io.stderr, `no answer yet; it comes in \`agent-dispatch logs ${task.id} --follow\`\n`);
    return reply.error ? 1 : 0;
  });
}

/** `agent-dispatch list [--status] [--limit]` */
export function list(context: Context, options: Options & { status?: Status; limit: number }): Promise<number> {
  return using(openReading(context, options), async (client) => {
    const { io } = context;
    const filter = { limit: options.limit, ...(options.status !== undefined && { status: options.status }) };
    const reply = await client.call("list_tasks", filter);
    if (options.json) return await printJson(io, reply).then(() => 0);
    const { items, cursor } = reply;
    if (items.length === 0) await write(io.stdout, "no tasks\n");
    else {
      const head = ["task", "status", "created", "took", "what"].map((name) => paint(io.stdout, "dim", name));
      const rows = table([head, ...items.map((record) => listRow(io, record))]);
      await write(
        io.stdout,
        rows.replaceAll(/^.*$/gm, (row) => clip(row, columnsOf(io.stdout))),
      );
    }
    if (cursor) await write(io.stderr, paint(io.stderr, "dim", "there are more; --limit shows them\n"));
    return 0;
  });
}

/** A task in a line: enough of its id to name it, and the end of the line for what it is. */
const listRow = (io: Io, record: ShortRecord): string[] => [
  shortId(record.id),
  paintStatus(io.stdout, record.status),
  formatTime(record.createdAt),
  formatDuration(ageMs(record)),
  oneLine(whatOf(record)),
];

/** From its creation to its end, or to now. */
function ageMs(record: ShortRecord | TaskRecord): number {
  const endedAt = ("phases" in record && record.phases?.[record.status]) || record.updatedAt;
  const ended = isTerminal(record.status) ? Date.parse(endedAt) : Date.now();
  return ended - Date.parse(record.createdAt);
}
