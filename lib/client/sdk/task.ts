import type { Readable } from "node:stream";
import { RefusedError } from "../../contract/errors.ts";
import type { TaskEvent } from "../../contract/events.ts";
import type { JsonObject } from "../../contract/json.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import { inTime } from "./ask-again.ts";
import type { CallOptions, ToolCaller } from "./caller.ts";
import { streamOf } from "./content.ts";
import { follow, type Watcher } from "./follow.ts";
import { type LogOptions, logsOf } from "./logs.ts";
import { type NewsOptions, newsOf } from "./news.ts";
import { fetchResult } from "./result.ts";
import { fetchWholeResult } from "./whole-result.ts";

export type Artifact = TaskResult["artifacts"][number];
/** Which part of a text, in UTF-16 units. */
type TextOptions = Abortable & { offset?: number | undefined; maxChars?: number | undefined };
type Abortable = { signal?: AbortSignal | undefined };

/** Longest wait of one call, in milliseconds: less than any gateway allows. */
const WAIT_MS = 25_000;

/**
 * One task at an endpoint. Every method throws the DispatchError that the endpoint answered with, or an AbortError where its
 * `signal` was aborted; a connection that is lost meanwhile is made again.
 */
export class ClientTask {
  readonly id: string;
  /** What its dispatch was answered with; absent where it was named by its id. */
  readonly handle: TaskHandle | undefined;
  readonly #caller: ToolCaller;
  readonly #isLocal: boolean;

  constructor(caller: ToolCaller, { id, handle, isLocal }: { id: string; handle?: TaskHandle; isLocal: boolean }) {
    this.id = id;
    this.handle = handle;
    this.#caller = caller;
    this.#isLocal = isLocal;
  }

  /** How it stands. */
  status({ signal }: Abortable = {}): Promise<TaskRecord> {
    return this.#caller.call("get_task_status", { task_id: this.id }, { signal });
  }

  /** Every event after the one numbered `after`, as they come, until the task has ended. */
  async *events(options: NewsOptions = {}): AsyncGenerator<TaskEvent> {
    for await (const { events } of newsOf(this.#caller, this.id, options)) yield* events;
  }

  /** Tells the watcher of every event and every status until the task has ended; resolves with its last record. */
  follow(watcher: Watcher, options: NewsOptions = {}): Promise<TaskRecord> {
    return follow(this.#caller, this.id, watcher, options);
  }

  /** The text that it has written from a character on; with `follow` also what it writes until it has ended. */
  logs(options: LogOptions = {}): AsyncGenerator<string> {
    return logsOf(this.#caller, this.id, options);
  }

  /**
   * A page of the text of its result, from a character on; `nextOffset` is there when it goes on. Of an agent's answer the
   * text is its output, of one in JSON that, of anything else the text or the JSON.
   */
  text({ offset = 0, maxChars, signal }: TextOptions = {}): Promise<TaskResult> {
    const args = { task_id: this.id, offset, ...(maxChars !== undefined && { max_chars: maxChars }) };
    return this.#caller.call("get_task_result", args, { signal });
  }

  /**
   * Resolves with its record once it has ended or asks for input, or when `timeoutMs` are over: `status` says which. Without
   * `timeoutMs` it waits as long as that takes.
   */
  async wait({ timeoutMs, signal, onProgress }: CallOptions & { timeoutMs?: number } = {}): Promise<TaskRecord> {
    const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(0, Math.min(WAIT_MS, deadline - performance.now()));
      const args = { task_id: this.id, timeout_seconds: leftMs / 1000 };
      const reply = await this.#caller.call("wait_for_task", args, { signal, onProgress });
      const { timedOutWaiting, askAgainSeconds: _, ...record } = reply;
      if (!timedOutWaiting || performance.now() >= deadline) return record;
      await inTime(reply, { signal, mostMs: deadline - performance.now() });
    }
  }

  /**
   * What it came to, with all of its artifacts; of a task that has not ended, its status alone. A result that is too long for
   * a reply is read from where it is kept; with `preview` only its beginning and end are there, and `resultRef` says where.
   */
  result({ preview = false, signal }: Abortable & { preview?: boolean } = {}): Promise<TaskResult> {
    if (preview) return fetchResult(this.#caller, this.id, { signal });
    return fetchWholeResult(this.#caller, this.id, { isLocal: this.#isLocal, signal });
  }

  /** The files that it left. */
  async artifacts({ signal }: Abortable = {}): Promise<Artifact[]> {
    return (await fetchResult(this.#caller, this.id, { signal })).artifacts;
  }

  /** One of its files, by its id or its name; nothing is asked for before it is read. */
  artifact(idOrName: string): { stream(options?: Abortable): Readable } {
    const find = async (signal: AbortSignal | undefined): Promise<Artifact> => {
      const artifacts = await this.artifacts({ signal });
      const found = artifacts.find(({ id }) => id === idOrName) ?? artifacts.find(({ name }) => name === idOrName);
      if (found) return found;
      throw new RefusedError("artifact.not_found", `task ${this.id} has no artifact ${JSON.stringify(idOrName)}`, {
        hint: "get_task_result names those that it has",
      });
    };
    return { stream: ({ signal } = {}) => streamOf(() => find(signal), { isLocal: this.#isLocal, signal }) };
  }

  /** Cancels it, and unless `cascade` is false, the tasks that it dispatched. */
  cancel({ cascade, signal }: Abortable & { cascade?: boolean } = {}): Promise<ToolResult<"cancel_task">> {
    const args = { task_id: this.id, ...(cascade !== undefined && { cascade }) };
    return this.#caller.call("cancel_task", args, { signal });
  }

  /** Answers what it asks, by the keys of the record's `inputRequests`; the same again answers nothing twice. */
  answer(responses: JsonObject, { signal }: Abortable = {}): Promise<ToolResult<"send_task_input">> {
    return this.#caller.call("send_task_input", { task_id: this.id, responses }, { signal });
  }

  /** Says something to its agent while it works. */
  steer(message: string, { signal }: Abortable = {}): Promise<ToolResult<"send_task_input">> {
    return this.#caller.call("send_task_input", { task_id: this.id, message }, { signal });
  }

  /** Answers what it asks, or says something to its agent, and waits up to `timeoutMs` for what that says. */
  send(text: string, { timeoutMs, signal }: Abortable & { timeoutMs?: number } = {}): Promise<ToolResult<"a2a_send">> {
    const wait = timeoutMs === undefined ? {} : { timeout_seconds: timeoutMs / 1000 };
    return this.#caller.call("a2a_send", { task_id: this.id, text, ...wait }, { signal });
  }
}
