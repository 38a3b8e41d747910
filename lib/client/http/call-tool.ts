import { randomUUID } from "node:crypto";
import manifest from "../../../package.json" with { type: "json" };
import { RefusedError } from "../../contract/errors.ts";
import { defined, isObject, type JsonObject } from "../../contract/json.ts";
import type { Logger } from "../../contract/logger.ts";
import type { ToolName } from "../../contract/tools/index.ts";
import type { Door, Posted } from "./door.ts";
import { brokenAnswer } from "./failure.ts";
import { messagesOf } from "./messages.ts";
import { Patience } from "./patience.ts";
import { post } from "./post.ts";
import { repeatingTools } from "./repeating.ts";
import { ConnectionFailure } from "./request.ts";

/** What a tool answered, as the protocol has it. */
export type ToolAnswer = { isError?: boolean; structuredContent?: unknown; content: unknown[] };

export type Progress = { progress: number; total?: number; message?: string };

export type CallOptions = {
  /** Aborting it gives the call up: the endpoint sees the connection close. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** For how long, in ms, what fails on the way is tried again. */
  patienceMs?: number | undefined;
  log?: Pick<Logger, "debug"> | undefined;
};

const REVISION = "2026-07-28";
const ID = 1;

/**
 * Calls a tool, statelessly, in the revision 2026-07-28 of the protocol. A call whose answer is lost is made again where that
 * is safe; one that dispatches gets an idempotency key for that, unless it has one. Throws DispatchError.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */
export async function callTool(
  door: Door,
  name: ToolName,
  args: JsonObject,
  { signal, onProgress, patienceMs, log }: CallOptions = {},
): Promise<ToolAnswer> {
  const repeating = repeatingTools[name];
  const keyed = repeating === "keyed" ? { idempotency_key: randomUUID(), ...defined(args) } : args;
  const posted = asPosted(name, keyed, onProgress !== undefined);
  const mayRepeat = repeating !== "never";
  const key = repeating === "keyed" ? String(keyed.idempotency_key) : undefined;
  const patience = new Patience(patienceMs);
  for (let mayHaveArrived = false; ; mayHaveArrived = true) {
    const answer = await post(door, posted, { signal, mayRepeat, key, mayHaveArrived, patience, log });
    try {
      for await (const message of messagesOf(answer)) {
        if (isAnswer(message)) return resultOf(message);
        const progress = message.method === "notifications/progress" && progressOf(message.params);
        if (progress) onProgress?.(progress);
      }
      throw new Error("the answer ended before it was whole");
    } catch (error) {
      if (signal?.aborted) throw new RefusedError("endpoint.closed", "the call was given up", { cause: error });
      const broken = brokenAnswer(door, answer, error, key);
      if (broken === error || broken.code !== "endpoint.answer_lost") throw broken;
      log?.debug("an answer broke off", { tool: name });
      if (!mayRepeat || new ConnectionFailure(error, true).isSilence || !(await patience.pause({ signal })))
        throw broken;
    }
  }
}

function asPosted(name: string, args: JsonObject, wantsProgress: boolean): Posted {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": { name: "agent-dispatch", version: manifest.version },
    "io.modelcontextprotocol/clientCapabilities": {},
    ...(wantsProgress && { progressToken: ID }),
  };
  const message = { jsonrpc: "2.0", id: ID, method: "tools/call", params: { name, arguments: args, _meta } };
  return {
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": REVISION,
      "mcp-method": "tools/call",
      "mcp-name": name,
    },
    body: Buffer.from(JSON.stringify(message)),
  };
}

/** Who could not read the request does not know its id: https://www.jsonrpc.org/specification#response_object */
const isAnswer = ({ id, method, error }: JsonObject): boolean =>
  method === undefined && (id === ID || (id === null && isObject(error)));

/** Ours are well-formed: what is refused so is a tool that the endpoint does not have, or not for this caller. */
const INVALID_PARAMS = -32602;

function resultOf({ result, error }: JsonObject): ToolAnswer {
  if (isObject(error))
    throw new RefusedError("endpoint.failed", `the endpoint refused the call: ${error.message}`, {
      ...(error.code === INVALID_PARAMS && {
        hint: "it may be of another version than this program: agent-dispatch doctor tells both",
      }),
    });
  if (!isObject(result) || !Array.isArray(result.content))
    throw new RefusedError("endpoint.failed", "the endpoint answered with no result");
  const { content, structuredContent, isError } = result;
  return { content, structuredContent, ...(typeof isError === "boolean" && { isError }) };
}

function progressOf(params: unknown): Progress | undefined {
  if (!isObject(params) || typeof params.progress !== "number") return undefined;
  const { progress, total, message } = params;
  return {
    progress,
    ...(typeof total === "number" && { total }),
    ...(typeof message === "string" && { message }),
  };
}
