import * as z from "zod";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import { waitForTask } from "../../engine/poll/waiting.ts";
import * as field from "./fields.ts";
import { fittingLength, MAX_REPLY, replySize } from "./reply-size.ts";
import { ownTask, reads, shape, tool } from "./tool.ts";

const MAX_LIMIT = 64_000;
/** Size of a whole reply when the caller names no limit: more of it than that, common clients cut or put into a file. */
const USUAL_REPLY = 16_000;

const input = z.strictObject({
  task_id: field.taskId,
  cursor: z.number().int().min(0).optional().describe("Character to begin at: 0, then nextCursor of the reply before"),
  limit: z
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .describe("Most characters of text; left out, a reply of 16,000 in all"),
  wait_seconds: field.waitSeconds.optional().describe("How long to wait when nothing is new: default 0, at most 45"),
});

/** The output of a task, from a cursor on. */
export const getTaskLogs = tool({
  name: "get_task_logs",
  title: "Read a task's output",
  description:
    "Returns the text that a task has printed, from a character cursor on. Go on with cursor: nextCursor; an empty data " +
    "means that nothing is new yet. With wait_seconds it waits for new text. logTruncated at the end: the rest was not kept.",
  input,
  output: shape({
    taskId: "string",
    cursor: "integer",
    nextCursor: "integer",
    data: "string",
    logTruncated: "boolean",
  }),
  annotations: reads,
  run: async (context, { task_id, cursor = 0, limit, wait_seconds = 0 }) => {
    const { ports, signal } = context;
    let task = await ownTask(context, task_id);
    if (wait_seconds > 0 && task.logLength <= cursor && !isTerminal(task.status)) {
      const until = (seen: Task) => seen.logLength > cursor;
      ({ task } = await waitForTask(ports, task_id, { timeoutSeconds: wait_seconds, signal, until, gathers: true }));
    }
    const read = await ports.store.readLog(task_id, cursor, limit ?? USUAL_REPLY);
    const reply = (data: string, nextCursor = read.cursor + data.length) => ({
      taskId: task_id,
      cursor: read.cursor,
      nextCursor,
      data,
      ...(task.logTruncated && nextCursor >= task.logLength && { logTruncated: true }),
    });
    const room = (limit === undefined ? USUAL_REPLY : MAX_REPLY) - replySize(reply("", read.nextCursor));
    const length = fittingLength(read.data, room);
    const isWhole = length >= read.data.length;
    return { structured: isWhole ? reply(read.data, read.nextCursor) : reply(read.data.slice(0, length)) };
  },
});
