import { Agent, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import type * as z from "zod";
import {
  DispatchError,
  OutcomeUnknownError,
  RefusedError,
  RetryableError,
  WorkerGoneError,
} from "../../contract/errors.ts";
import { protocolPaths } from "../../contract/kinds.ts";
import { MAX_REPLY_BYTES } from "../../contract/limits.ts";
import { type Operation, refusalReplySchema } from "../../contract/worker.ts";
import { endedSchema, openedSchema, SESSION_HEADER, sessionPath } from "../../contract/worker-sessions.ts";
import { connectTo } from "./unix-socket.ts";

/** Connections kept for the next call. The worker closes none of them so soon, so that none closes as it is used again. */
const KEPT = { sockets: 64, ms: 20_000 };

type Sent = { method: "POST" | "PUT" | "DELETE"; path: string; sessionId: string; body?: unknown; isFresh?: boolean };

/**
 * Speaks to one worker process through its socket. Every method throws WorkerGoneError when nobody listens there or the
 * worker has no such session, OutcomeUnknownError when no answer came before `signal` aborted.
 */
export class WorkerClient {
  readonly #socketFile: string;
  readonly #agent: Agent;

  constructor(socketFile: string) {
    this.#socketFile = socketFile;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: KEPT.sockets, timeout: KEPT.ms });
    this.#agent.createConnection = (_options, made) => {
      connectTo(socketFile).then(
        (socket) => made?.(null, socket),
        (error) => made?.(error, undefined as never),
      );
      return undefined;
    };
  }

  /**
   * Sends one operation to a session and resolves with its reply. A job is handed over on a connection of its own: where
   * none can be made, it has certainly not arrived.
   */
  call(sessionId: string, operation: Operation, signal: AbortSignal): Promise<unknown> {
    const isFresh = operation.op === "start";
    return this.#send({ method: "POST", path: "/invocations", sessionId, body: operation, isFresh }, signal);
  }

  /** Sends a message of A2A to the agent of a session, and resolves with its answer. */
  say(sessionId: string, message: object, signal: AbortSignal): Promise<unknown> {
    return this.#send({ method: "POST", path: protocolPaths.a2a, sessionId, body: message, isFresh: true }, signal);
  }

  /** Opens a session, or finds it open as it is; resolves with its boot. Throws RefusedError `worker.start_failed`. */
  async open(sessionId: string, environment: Record<string, string>, signal: AbortSignal): Promise<string> {
    const body = { environment };
    const reply = await this.#send({ method: "PUT", path: sessionPath(sessionId), sessionId, body }, signal);
    return parse(openedSchema, reply).bootId;
  }

  /** Ends a session, and resolves once nothing of it runs. */
  async end(sessionId: string, signal: AbortSignal): Promise<void> {
    parse(endedSchema, await this.#send({ method: "DELETE", path: sessionPath(sessionId), sessionId }, signal));
  }

  /** Whether a worker listens. Throws RetryableError when that cannot be told. */
  async isListening(): Promise<boolean> {
    try {
      (await connectTo(this.#socketFile)).destroy();
      return true;
    } catch (error) {
      const known = translate(error);
      if (known instanceof WorkerGoneError) return false;
      throw known;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(sent: Sent, signal: AbortSignal): Promise<unknown> {
    try {
      signal.throwIfAborted();
      const socket = sent.isFresh ? await connectTo(this.#socketFile) : undefined;
      const response = await this.#post(sent, signal, socket);
      const text = await readText(response);
      if (response.statusCode === 410) throw new WorkerGoneError("the worker has no such session");
      if (response.statusCode !== 200)
        throw new RefusedError(
          "worker.refused",
          `the worker answered HTTP ${response.statusCode}: ${text.slice(0, 300)}`,
        );
      return JSON.parse(text);
    } catch (error) {
      throw translate(error);
    }
  }

  #post(
    { method, path, sessionId, body }: Sent,
    signal: AbortSignal,
    socket: Socket | undefined,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = {
        host: "worker",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        [SESSION_HEADER]: sessionId,
      };
      const connection = socket ? { createConnection: () => socket } : { agent: this.#agent };
      request({ ...connection, method, path, headers, signal })
        .once("response", resolve)
        .once("error", reject)
        .end(text);
    });
  }
}

/** A reply by its schema. Throws what the worker refused, or RetryableError `worker.contract_broken`. */
function parse<T>(schema: z.ZodType<T>, reply: unknown): T {
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  const refusal = refusalReplySchema.safeParse(reply);
  if (!refusal.success) throw new RetryableError("worker.contract_broken", "the worker's reply is none of a session");
  throw new DispatchError(refusal.data.error);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) throw new RetryableError("worker.contract_broken", "the worker's reply is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function translate(error: unknown): Error {
  if (error instanceof DispatchError) return error;
  if (error instanceof SyntaxError)
    return new RetryableError("worker.contract_broken", "the worker's reply is not JSON");
  const { name, code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "ENOENT" || code === "ENOTDIR")
    return new WorkerGoneError("nobody listens at the worker's address", { cause: error });
  if (name === "TimeoutError" || name === "AbortError")
    return new OutcomeUnknownError("the worker did not answer in time", error);
  if (code === "EMFILE" || code === "ENFILE")
    return new RetryableError("platform.too_many_files", "too many files are open to reach the worker", {
      hint: "raise the limit (ulimit -n), or end some of what this user runs",
      cause: error,
    });
  // A connection that broke: the process died. The next attempt tells.
  return new RetryableError("worker.connection_lost", "the connection to the worker broke", { cause: error });
}
