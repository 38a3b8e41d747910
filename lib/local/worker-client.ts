import { DispatchError, RefusedError, RetryableError, WorkerGoneError } from "../domain/errors.ts";
import { OutcomeUnknownError } from "../domain/session.ts";
import type { Operation } from "../domain/worker-contract.ts";
import type { SessionFolder } from "./session-folder.ts";

/** Replies are events, results and lists of artifacts; more than this is not one of ours. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Sends one operation to the worker of a session and resolves with its reply. Throws WorkerGoneError when nobody of that
 * session listens, OutcomeUnknownError when no answer came in time.
 */
export async function callWorker(folder: SessionFolder, operation: Operation, signal: AbortSignal): Promise<unknown> {
  const address = await folder.readAddress();
  if (!address) throw new WorkerGoneError("the worker has no address");
  try {
    const response = await fetch(`http://127.0.0.1:${address.port}/invocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${await folder.readToken()}`, "content-type": "application/json" },
      body: JSON.stringify(operation),
      signal,
    });
    if (response.status === 401) throw new WorkerGoneError("another program listens at the worker's address");
    const text = await response.text();
    if (text.length > MAX_REPLY_BYTES)
      throw new RetryableError("worker.contract_broken", "the worker's reply is too long");
    if (!response.ok)
      throw new RefusedError("worker.refused", `the worker answered HTTP ${response.status}: ${text.slice(0, 300)}`);
    return JSON.parse(text);
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): Error {
  if (error instanceof DispatchError) return error;
  if (error instanceof SyntaxError)
    return new RetryableError("worker.contract_broken", "the worker's reply is not JSON");
  const code = (error as { cause?: { code?: string } }).cause?.code;
  if (code === "ECONNREFUSED") return new WorkerGoneError("nobody listens at the worker's address", { cause: error });
  if ((error as Error).name === "TimeoutError" || (error as Error).name === "AbortError")
    return new OutcomeUnknownError("the worker did not answer in time", error);
  // A connection that broke: the process died, or the socket was old. The next attempt tells which.
  return new RetryableError("worker.connection_lost", "the connection to the worker broke", { cause: error });
}
