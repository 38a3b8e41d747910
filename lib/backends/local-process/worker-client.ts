import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import {
  DispatchError,
  OutcomeUnknownError,
  RefusedError,
  RetryableError,
  WorkerGoneError,
} from "../../contract/errors.ts";
import type { Operation } from "../../contract/worker.ts";
import type { SessionFolder } from "./session-folder.ts";
import { connectTo } from "./unix-socket.ts";

/** Replies are events, results and lists of artifacts; more than this is not one of ours. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Sends one operation to the worker of a session and resolves with its reply. Throws WorkerGoneError when nobody listens
 * there, OutcomeUnknownError when no answer came in time.
 */
export async function callWorker(folder: SessionFolder, operation: Operation, signal: AbortSignal): Promise<unknown> {
  try {
    signal.throwIfAborted();
    const response = await post(await connectTo(folder.socketFile), JSON.stringify(operation), signal);
    const text = await readText(response);
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

/** Whether a worker listens in the session's folder. Throws RetryableError when that cannot be told. */
export async function isListening(folder: SessionFolder): Promise<boolean> {
  try {
    (await connectTo(folder.socketFile)).destroy();
    return true;
  } catch (error) {
    const known = translate(error);
    if (known instanceof WorkerGoneError) return false;
    throw known;
  }
}

/** Each call has a connection of its own: one that was kept might be closed at the moment it is used again. */
function post(socket: Socket, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: "worker", "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    request({ createConnection: () => socket, method: "POST", path: "/invocations", headers, signal })
      .once("response", resolve)
      .once("error", reject)
      .end(body);
  });
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
