import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { nameOf } from "../../../aws/sdk-errors.ts";
import type { Task } from "../../../contract/task.ts";
import type { Logs } from "../account/clients.ts";
import { logGroupOf, qualifierOf } from "../place.ts";
import { isNotFound } from "../problems.ts";
import type { RuntimeRef } from "../resources.ts";
import { sessionIdOf } from "../session-id.ts";

/** A line arrives some time after it was printed, and whoever waits for the error should not wait long. */
const READ_MS = 3000;
const PAUSE_MS = 600;
const MAX_LINES = 20;

/**
 * The last lines that the container of a task's session printed; none when there are none within three seconds, or when
 * they cannot be read. Only the session's own streams are read, which are named `<date>/[runtime-logs-<session>]<uuid>`: what
 * another owner's session printed is not ours, and jobs may make streams in the groups of all runtimes of the stack.
 * `hasSession` is false of a runtime made for the task that nothing was sent to yet.
 */
export async function lastLines(
  open: Promise<Logs>,
  task: Task,
  runtime: RuntimeRef,
  hasSession: boolean,
): Promise<string[]> {
  const limit = AbortSignal.timeout(READ_MS);
  const late = new Promise<string[]>((resolve) => limit.addEventListener("abort", () => resolve([]), { once: true }));
  return Promise.race([late, untilThere(open, task, runtime, streamsOf(task, hasSession), limit).catch(() => [])]);
}

async function untilThere(
  open: Promise<Logs>,
  task: Task,
  runtime: RuntimeRef,
  prefixes: Prefix[],
  limit: AbortSignal,
): Promise<string[]> {
  const logs = await open;
  for (;;) {
    const read = await Promise.all(prefixes.map((prefix) => readStreams(logs, task, runtime, prefix, limit)));
    const lines = read.flat();
    if (lines.length > 0) return lines.slice(-MAX_LINES);
    await sleep(PAUSE_MS, undefined, { signal: limit });
  }
}

type Prefix = string | undefined;

/** Prefixes of the streams to read: they begin with the day on which the machine was started. */
function streamsOf(task: Task, hasSession: boolean): Prefix[] {
  if (!hasSession) return [undefined];
  const days = [Date.parse(task.createdAt), Date.now()].map((ms) =>
    new Date(ms).toISOString().slice(0, 10).replaceAll("-", "/"),
  );
  return [...new Set(days)].map((day) => `${day}/[runtime-logs-${sessionIdOf(task)}]`);
}

async function readStreams(
  { client, paginateFilterLogEvents }: Logs,
  task: Task,
  runtime: RuntimeRef,
  logStreamNamePrefix: string | undefined,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const asked = {
    logGroupName: logGroupOf(runtime.id, qualifierOf(task)),
    startTime: Date.parse(task.createdAt),
    ...(logStreamNamePrefix !== undefined && { logStreamNamePrefix }),
  };
  let lines: string[] = [];
  try {
    for await (const { events = [] } of paginateFilterLogEvents({ client }, asked, { abortSignal })) {
      const printed = events.filter(({ logStreamName = "" }) => logStreamName.includes("[runtime-logs"));
      lines = [...lines, ...printed.flatMap(({ message = "" }) => linesOf(message))].slice(-MAX_LINES);
    }
  } catch (error) {
    // The first line that is printed makes the group.
    if (!isNotFound(error)) throw error;
  }
  return lines;
}

const linesOf = (message: string): string[] =>
  message
    .split(/\r?\n/)
    .map((line) =>
      stripVTControlCharacters(line)
        .replaceAll(/(?!\t)\p{Cc}/gu, "")
        .trimEnd(),
    )
    .filter((line) => line !== "");

/**
 * Deletes the log group of a runtime that is gone. Resolves with why it could not be deleted, if so: an empty group costs
 * nothing, and must not keep a task open. Lines that CloudWatch Logs takes in afterwards make the group anew; then it
 * stays, because nobody looks again.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
 */
export async function deleteLogs(open: Promise<Logs>, group: string): Promise<string | undefined> {
  try {
    const { client, DeleteLogGroupCommand } = await open;
    await client.send(new DeleteLogGroupCommand({ logGroupName: group }), {
      abortSignal: AbortSignal.timeout(READ_MS),
    });
    return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    return `${nameOf(error)}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
