import { setTimeout as delay } from "node:timers/promises";
import { Client, ProtocolError, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import manifest from "../../../package.json" with { type: "json" };
import { DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import { abortError } from "./aborting.ts";
import type { CallOptions, ToolCaller } from "./caller.ts";
import { readReply } from "./reply.ts";

/** Where an endpoint listens, and what opens it. */
export type Address = { url: string; token: string };

type Options = {
  /** For how long a lost connection is tried again; 0 gives up at once. */
  patienceMs?: number;
  onLost?: (message: string) => void;
  onBack?: () => void;
};

const RETRY_PAUSE_MS = 250;

/**
 * An MCP endpoint of AgentDispatch, called tool by tool. A lost connection is made again, to wherever the address is then,
 * and the call repeated: every tool may be, a dispatch because it carries an idempotency key.
 *
 * @example
 * const endpoint = new Endpoint(async () => ({ url, token }));
 * const record = await endpoint.call("get_task_status", { task_id });
 */
export class Endpoint implements ToolCaller {
  readonly isLocal = true;
  readonly #locate: () => Promise<Address | undefined>;
  readonly #options: Options;
  readonly #end = new AbortController();
  #connection: Promise<Client> | undefined;
  #lostAtMs: number | undefined;

  constructor(locate: () => Promise<Address | undefined>, options: Options = {}) {
    this.#locate = locate;
    this.#options = options;
  }

  /** Calls a tool. Throws the DispatchError that the endpoint answered with, or `endpoint.unreachable`. */
  async call<Name extends ToolName>(
    tool: Name,
    args: ToolArguments<Name>,
    { signal: given, onProgress }: CallOptions = {},
  ): Promise<ToolResult<Name>> {
    const signal = given ? AbortSignal.any([given, this.#end.signal]) : this.#end.signal;
    const options = { signal, ...(onProgress && { onprogress: onProgress }) };
    for (;;) {
      const connection = this.#connect();
      try {
        const client = await connection;
        const reply = await client.callTool({ name: tool, arguments: args }, options);
        const value = readReply(tool, reply);
        this.#answered();
        return value;
      } catch (error) {
        if (this.#end.signal.aborted) throw new RefusedError("endpoint.closed", "the call was given up");
        if (given?.aborted) throw abortError(given);
        if (!isPassing(error)) {
          this.#answered();
          throw asDispatchError(error);
        }
        await this.#lost(connection, error, signal);
      }
    }
  }

  /** Ends the connection and every call under way. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#drop(this.#connection);
  }

  #connect(): Promise<Client> {
    // Only what happens on the way to a known address passes by itself.
    this.#connection ??= this.#locate().then(
      (address) => {
        if (!address) throw new Error("no local system is running");
        return connect(address, this.#end.signal);
      },
      (error) => {
        this.#connection = undefined;
        throw asDispatchError(error);
      },
    );
    return this.#connection;
  }

  #answered(): void {
    if (this.#lostAtMs === undefined) return;
    this.#lostAtMs = undefined;
    this.#options.onBack?.();
  }

  async #lost(connection: Promise<Client>, error: unknown, signal: AbortSignal): Promise<void> {
    // An endpoint that answered is still connected.
    if (!(error instanceof DispatchError)) await this.#drop(connection);
    const patienceMs = this.#options.patienceMs ?? 0;
    const first = this.#lostAtMs === undefined;
    this.#lostAtMs ??= Date.now();
    if (Date.now() - this.#lostAtMs >= patienceMs) throw unreachable(error);
    if (first) this.#options.onLost?.(reasonOf(error));
    await delay(RETRY_PAUSE_MS, undefined, { signal }).catch(() => {});
  }

  /** Calls under way share a connection, so only the first that loses it drops it. */
  async #drop(connection: Promise<Client> | undefined): Promise<void> {
    if (this.#connection === connection) this.#connection = undefined;
    await connection?.then((client) => client.close()).catch(() => {});
  }
}

async function connect({ url, token }: Address, signal: AbortSignal): Promise<Client> {
  const client = new Client(
    { name: "agent-dispatch", version: manifest.version },
    { versionNegotiation: { mode: "auto" } },
  );
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }), { signal });
  return client;
}

/** Whether the same call may succeed soon: the connection was lost, or the endpoint says so. */
function isPassing(error: unknown): boolean {
  if (error instanceof DispatchError) return error.retryable;
  return !(error instanceof ProtocolError);
}

function asDispatchError(error: unknown): DispatchError {
  if (error instanceof DispatchError) return error;
  return new RefusedError("endpoint.failed", reasonOf(error), { cause: error });
}

function unreachable(error: unknown): DispatchError {
  if (error instanceof DispatchError) return error;
  return new RetryableError("endpoint.unreachable", `the local system does not answer: ${reasonOf(error)}`, {
    hint: "agent-dispatch local status says whether it runs; agent-dispatch local starts it",
    cause: error,
  });
}

/** The innermost message: fetch hides the reason, such as a refused connection, in its cause. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message || reason.name : String(reason);
}
