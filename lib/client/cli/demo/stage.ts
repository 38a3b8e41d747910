import type { TaskEvent } from "../../../contract/events.ts";
import type { TaskResult } from "../../../contract/tools/get-task-result.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import type { Client } from "../../sdk/client.ts";
import { type Io, write } from "../io.ts";
import { formatDuration, oneLine, paint } from "../print.ts";
import type { Call } from "../run-call.ts";

/** A line that a task wrote, or said of its progress, and when it was seen, counted from the dispatch. */
type Seen = { atMs: number; text: string };

/** One task from its dispatch to its end. */
export type Played = {
  id: string;
  record: TaskRecord;
  outcome: TaskResult;
  lines: Seen[];
  progress: Seen[];
  tookMs: number;
};

/** Where the demonstration happens: it dispatches tasks and shows what they do. */
export class Stage {
  readonly io: Io;
  readonly client: Client;

  constructor(io: Io, client: Client) {
    this.io = io;
    this.client = client;
  }

  /** A line below the heading of a scene. */
  say(text: string, style: Parameters<typeof paint>[1] = "dim"): Promise<void> {
    return write(this.io.stdout, `   ${paint(this.io.stdout, style, text)}\n`);
  }

  async dispatch(call: Call): Promise<string> {
    const handle = await this.client.call(call.tool, call.args);
    if (handle.status === "needs_clarification") throw new Error(`something is missing: ${JSON.stringify(handle)}`);
    return handle.taskId;
  }

  /** Dispatches a task and shows it until it has ended; `onLine` is told of each line. */
  async play(call: Call, onLine?: (id: string) => Promise<void>): Promise<Played> {
    const startedMs = performance.now();
    const id = await this.dispatch(call);
    const lines: Seen[] = [];
    const progress: Seen[] = [];
    const event = async ({ type, message = "" }: TaskEvent): Promise<void> => {
      const atMs = performance.now() - startedMs;
      if (type === "task.progress") {
        progress.push({ atMs, text: message });
        await this.#show(atMs, message, "cyan");
      } else if (type === "task.log") {
        for (const text of message.split("\n").filter(Boolean)) {
          lines.push({ atMs, text });
          await this.#show(atMs, text, "reset");
        }
        await onLine?.(id);
      }
    };
    const task = this.client.task(id);
    const record = await task.follow({ event, status() {} });
    const tookMs = performance.now() - startedMs;
    const outcome = await task.result({ preview: true });
    return { id, record, outcome, lines, progress, tookMs };
  }

  #show(atMs: number, text: string, style: Parameters<typeof paint>[1]): Promise<void> {
    const { stdout } = this.io;
    const time = paint(stdout, "dim", formatDuration(atMs).padStart(6));
    return write(stdout, `   ${time}  ${paint(stdout, style, oneLine(text, 100))}\n`);
  }
}
