import { setTimeout as delay } from "node:timers/promises";
import type { TaskEvent } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import { abortError, throwIfAborted } from "./aborting.ts";
import { inTime } from "./ask-again.ts";
import type { ToolCaller } from "./caller.ts";

/** A look at a task: how it stands, and its events since the look before, in their order. */
export type News = { record: TaskRecord; events: TaskEvent[] };

export type NewsOptions = {
  /** The sequence number of the last event that is known already; default 0, from the beginning. */
  after?: number | undefined;
  /** Aborting it ends the iteration with an AbortError. */
  signal?: AbortSignal | undefined;
};

/** Seconds for which the end is waited for in one call, and how late other news may be at most. */
const END_WAIT_SECONDS = 25;
const NEWS_WAIT_SECONDS = 1;
const PAUSE_MS = 50;

/**
 * Every event of a task, and every status that it was seen in, until it has ended and its last event is told. Who stops
 * iterating ends the calls under way. Throws DispatchError, AbortError.
 */
export async function* newsOf(caller: ToolCaller, taskId: string, options: NewsOptions = {}): AsyncGenerator<News> {
  const { signal: given } = options;
  const quit = new AbortController();
  const signal = given ? AbortSignal.any([given, quit.signal]) : quit.signal;
  let after = options.after ?? 0;
  let end: Promise<unknown> | undefined;
  try {
    for (let quiet = false; ; ) {
      throwIfAborted(given);
      const args = { task_id: taskId, events_after: after };
      const { events = [], eventsNext: _, ...record } = await caller.call("get_task_status", args, { signal });
      for (const { sequence } of events) after = Math.max(after, sequence);
      yield { record, events };
      // The last event of all says how it ended.
      if (isTerminal(record.status) && events.at(-1)?.type === `task.${record.status}`) return;
      if (events.length > 0) {
        // A reply holds a page of events; there may be more.
        quiet = false;
        continue;
      }
      if (isTerminal(record.status)) return;
      // A wait that ended without news must not turn this into a busy loop.
      if (quiet) await pause(given);
      quiet = true;
      const cursor = record.logLength ?? 0;
      const wait = { task_id: taskId, cursor, limit: 1, wait_seconds: NEWS_WAIT_SECONDS };
      const news = caller.call("get_task_logs", wait, { signal }).then((reply) => inTime(reply, { signal }));
      // While input is required, waiting for the end returns at once.
      if (record.status !== "input_required")
        end ??= waitForEnd(caller, taskId, signal).finally(() => {
          end = undefined;
        });
      await Promise.race(settling(news, end));
    }
  } finally {
    quit.abort();
  }
}

const waitForEnd = (caller: ToolCaller, taskId: string, signal: AbortSignal): Promise<unknown> =>
  caller
    .call("wait_for_task", { task_id: taskId, timeout_seconds: END_WAIT_SECONDS }, { signal })
    .then((reply) => inTime(reply, { signal }));

/** The promises that are there; the one that loses the race may fail unheard, as the next call fails too. */
function settling(...promises: (Promise<unknown> | undefined)[]): Promise<unknown>[] {
  const there = promises.filter((promise) => promise !== undefined);
  for (const promise of there) promise.catch(() => {});
  return there;
}

/** Rejects with an AbortError. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await delay(PAUSE_MS, undefined, { ...(signal && { signal }) }).catch((error) => {
    throw signal?.aborted ? abortError(signal) : error;
  });
}
