import { defined } from "../../contract/json.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { fittingLength, MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { ReadableStore } from "../../store/port.ts";
import { waitForTask } from "../poll/waiting.ts";
import type { Ports } from "../ports.ts";

/** Size of a whole reply when the caller names no limit: more of it than that, common clients cut or put into a file. */
const USUAL_REPLY = 16_000;

type Window = {
  cursor: number;
  /** Most UTF-16 units of text. */
  limit?: number | undefined;
};
type Wait = { waitSeconds: number; signal?: AbortSignal | undefined };

/** As `readLog`; where nothing is new, it waits for it. */
export async function readLogs(
  ports: Ports,
  task: Task,
  { waitSeconds, signal, ...window }: Window & Wait,
): Promise<ToolResult<"get_task_logs">> {
  if (waitSeconds <= 0 || task.logLength > window.cursor || isTerminal(task.status))
    return readLog(ports, task, window);
  const wait = { timeoutSeconds: waitSeconds, until: (seen: Task) => seen.logLength > window.cursor, gathers: true };
  const waited = await waitForTask(ports, task.id, { ...wait, ...(signal && { signal }) });
  return { ...(await readLog(ports, waited.task, window)), ...defined({ askAgainSeconds: waited.askAgainSeconds }) };
}

/** The output of a task from a cursor on, as much as fits into a reply. */
export async function readLog(
  { store }: { store: Pick<ReadableStore, "readLog"> },
  { id, logLength, logTruncated }: Task,
  { cursor, limit }: Window,
): Promise<ToolResult<"get_task_logs">> {
  const read = await store.readLog(id, cursor, limit ?? USUAL_REPLY);
  const reply = (data: string, nextCursor = read.cursor + data.length) => ({
    taskId: id,
    cursor: read.cursor,
    nextCursor,
    data,
    ...(logTruncated && nextCursor >= logLength && { logTruncated }),
  });
  const room = (limit === undefined ? USUAL_REPLY : MAX_REPLY) - replySize(reply("", read.nextCursor));
  const length = fittingLength(read.data, room);
  return length >= read.data.length ? reply(read.data, read.nextCursor) : reply(read.data.slice(0, length));
}
