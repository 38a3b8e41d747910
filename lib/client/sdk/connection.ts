import { randomUUID } from "node:crypto";
import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { defined, type JsonObject } from "../../contract/json.ts";
import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import { loadSchemas } from "../../contract/tools/load.ts";
import { callTool } from "../http/call-tool.ts";
import type { Door } from "../http/door.ts";
import { Patience } from "../http/patience.ts";
import { repeatingTools } from "../http/repeating.ts";
import { abortError, throwIfAborted } from "./aborting.ts";
import type { CallOptions, Connection } from "./caller.ts";

export type ConnectionOptions = {
  /** For how long a lost connection is tried again, in milliseconds; default 30 s, and 0 gives up at once. */
  patienceMs?: number;
  /** Told the reason when the connection is lost, and when there is one again. */
  onLost?: (reason: string) => void;
  onBack?: () => void;
};

const PATIENCE_MS = 30_000;

/**
 * The tools behind a door. A connection that is lost is made again, to wherever the endpoint is then, and the call repeated
 * where that is safe: a dispatch is, because it carries an idempotency key. So is a call that is answered with an error that
 * passes.
 */
export class DoorConnection implements Connection {
  readonly isLocal: boolean;
  readonly #door: Door;
  readonly #options: ConnectionOptions;
  readonly #end = new AbortController();
  #isLost = false;

  constructor(door: Door, { isLocal, ...options }: ConnectionOptions & { isLocal: boolean }) {
    this.#door = door;
    this.isLocal = isLocal;
    this.#options = options;
  }

  async call<Name extends ToolName>(
    tool: Name,
    args: ToolArguments<Name>,
    { signal: given, onProgress }: CallOptions = {},
  ): Promise<ToolResult<Name>> {
    throwIfAborted(given);
    const { patienceMs = PATIENCE_MS } = this.#options;
    // Of its own for each call: there may be many under way.
    const signal = AbortSignal.any([this.#end.signal, ...(given ? [given] : [])]);
    const log = {
      debug: (_: string, { reason = "the answer broke off" }: JsonObject = {}) => this.#lost(String(reason)),
    };
    const options = { signal, onProgress, patienceMs, log };
    const patience = new Patience(patienceMs);
    const sent = keyed(tool, args);
    try {
      for (;;) {
        // What its answer is read with is loaded while it is waited for.
        const asked = callTool(this.#door, tool, sent, options);
        const [answer, { readReply }] = await Promise.all([asked, import("./reply.ts"), loadSchemas(tool)]);
        const { value, error } = await attempt(() => readReply(tool, answer));
        const mayPass = error?.retryable && repeatingTools[tool] !== "never";
        if (!mayPass || !(await patience.pause({ signal }))) {
          this.#back();
          if (error) throw error;
          return value as ToolResult<Name>;
        }
        this.#lost(error.message);
      }
    } catch (error) {
      if (given?.aborted) throw abortError(given);
      if (this.#end.signal.aborted) throw new RefusedError("endpoint.closed", "the call was given up");
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
  }

  #lost(reason: string): void {
    if (!this.#isLost) this.#options.onLost?.(reason);
    this.#isLost = true;
  }

  #back(): void {
    if (this.#isLost) this.#options.onBack?.();
    this.#isLost = false;
  }
}

/** With a key, a dispatch whose answer was lost on the way can be sent again and still happens once. */
const keyed = (tool: ToolName, args: JsonObject): JsonObject =>
  repeatingTools[tool] === "keyed" ? { idempotency_key: randomUUID(), ...defined(args) } : args;

async function attempt<Value>(
  read: () => Promise<Value>,
): Promise<{ value: Value; error?: never } | { value?: never; error: DispatchError }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof DispatchError) return { error };
    throw error;
  }
}
