import { isTerminal } from "../../contract/lifecycle.ts";
import { MAX_LOG_REPLY_LENGTH } from "../../contract/limits.ts";
import { throwIfAborted } from "./aborting.ts";
import { inTime } from "./ask-again.ts";
import type { ToolCaller } from "./caller.ts";

export type LogOptions = {
  /** Where to begin, in UTF-16 units; default 0. What was read moves it on by its `length`. */
  cursor?: number | undefined;
  /** Whether to go on until the task has ended; otherwise the iteration ends with what there is. */
  follow?: boolean | undefined;
  /** Aborting it ends the iteration with an AbortError. */
  signal?: AbortSignal | undefined;
};

/** How long new text is waited for in one call: less than any gateway allows. */
const WAIT_SECONDS = 20;

/** The text that a task writes, piece by piece; a piece is never empty. Throws DispatchError, AbortError. */
export async function* logsOf(caller: ToolCaller, taskId: string, options: LogOptions = {}): AsyncGenerator<string> {
  const { signal, follow = false } = options;
  let cursor = options.cursor ?? 0;
  for (let last = !follow; ; ) {
    throwIfAborted(signal);
    const wait = last ? {} : { wait_seconds: WAIT_SECONDS };
    const args = { task_id: taskId, cursor, limit: MAX_LOG_REPLY_LENGTH, ...wait };
    const reply = await caller.call("get_task_logs", args, { signal });
    const { data, nextCursor } = reply;
    cursor = nextCursor;
    if (data) {
      yield data;
      continue;
    }
    if (last) return;
    // What was written just before the end is read once more after the end was seen.
    const { status } = await caller.call("get_task_status", { task_id: taskId }, { signal });
    last = isTerminal(status);
    if (!last) await inTime(reply, { signal });
  }
}
