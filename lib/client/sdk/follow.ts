import type { TaskEvent } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { ToolCaller } from "./caller.ts";
import { type NewsOptions, newsOf } from "./news.ts";

/** What follows a task is told of it. */
export type Watcher = {
  status(record: TaskRecord): void | Promise<void>;
  event(event: TaskEvent): void | Promise<void>;
};

/**
 * Tells the watcher of every event and status until the task has ended; resolves with its last record. Throws DispatchError,
 * AbortError.
 */
export async function follow(
  caller: ToolCaller,
  taskId: string,
  watcher: Watcher,
  options: NewsOptions = {},
): Promise<TaskRecord> {
  let last: TaskRecord | undefined;
  for await (const { record, events } of newsOf(caller, taskId, options)) {
    // What is printed belongs to the status it was printed in, except that the end comes last.
    const hasEnded = isTerminal(record.status);
    if (!hasEnded) await watcher.status(record);
    for (const event of events) await watcher.event(event);
    if (hasEnded) await watcher.status(record);
    last = record;
  }
  // It ends by itself only after a look at a task that has ended.
  return last as TaskRecord;
}
