import { setTimeout as delay } from "node:timers/promises";
import type { TaskEvent } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { ToolCaller } from "./endpoint.ts";

/** What follows a task is told of it. */
export type Watcher = {
  status(record: TaskRecord): void | Promise<void>;
  event(event: TaskEvent): void | Promise<void>;
};

/** Seconds for which the end is waited for in one call, and how late other news may be at most. */
const END_WAIT_SECONDS = 25;
const NEWS_WAIT_SECONDS = 1;
const PAUSE_MS = 50;

/** Tells the watcher of every event and status until the task has ended; resolves with its last record. */
export async function follow(endpoint: ToolCaller, taskId: string, watcher: Watcher): Promise<TaskRecord> {
  let after = 0;
  let end: Promise<unknown> | undefined;
  for (let quiet = false; ; ) {
    const { events = [], ...record } = await endpoint.call("get_task_status", { task_id: taskId, events_after: after });
    const hasEnded = isTerminal(record.status);
    // What is printed belongs to the status it was printed in, except that the end comes last.
    if (!hasEnded) await watcher.status(record);
    for (const event of events) {
      after = Math.max(after, event.sequence);
      await watcher.event(event);
    }
    if (hasEnded) await watcher.status(record);
    if (events.length > 0) {
      // A reply holds a page of events; there may be more.
      quiet = false;
      continue;
    }
    if (hasEnded) return record;
    // A wait that ended without news must not turn this into a busy loop.
    if (quiet) await delay(PAUSE_MS);
    quiet = true;
    const news = endpoint.call("get_task_logs", {
      task_id: taskId,
      cursor: record.logLength ?? 0,
      limit: 1,
      wait_seconds: NEWS_WAIT_SECONDS,
    });
    // While input is required, waiting for the end returns at once.
    if (record.status !== "input_required") end ??= waitForEnd(endpoint, taskId).finally(() => (end = undefined));
    await Promise.race(settling(news, end));
  }
}

const waitForEnd = (endpoint: ToolCaller, taskId: string): Promise<unknown> =>
  endpoint.call("wait_for_task", { task_id: taskId, timeout_seconds: END_WAIT_SECONDS });

/** The promises that are there; the one that loses the race may fail unheard, as the next call fails too. */
function settling(...promises: (Promise<unknown> | undefined)[]): Promise<unknown>[] {
  const there = promises.filter((promise) => promise !== undefined);
  for (const promise of there) promise.catch(() => {});
  return there;
}
