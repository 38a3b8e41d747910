import type { IncomingMessage } from "node:http";
import { parseBounded } from "../lib/contract/bounded-json.ts";
import { RefusedError } from "../lib/contract/errors.ts";
import { MAX_REQUEST_BYTES } from "../lib/contract/worker.ts";

/** The body cannot be taken; `status` is the HTTP status that says so. */
export class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads a JSON body of limited size that must arrive in limited time. */
export async function readBody(request: IncomingMessage, timeoutMs: number): Promise<unknown> {
  const text = (await readBytes(request, timeoutMs)).toString();
  try {
    return parseBounded(text);
  } catch (error) {
    throw new BodyError(400, error instanceof RefusedError ? error.message : "the body is not JSON");
  }
}

function readBytes(request: IncomingMessage, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      request.removeAllListeners("data");
      // The rest is read and dropped: a caller that is still writing could not read the answer.
      request.resume();
      settled();
    };
    const fail = (status: number, message: string) => settle(() => reject(new BodyError(status, message)));
    const tooLarge = () => fail(413, `the body is larger than ${MAX_REQUEST_BYTES} bytes`);
    const timer = setTimeout(() => fail(408, "the body did not arrive in time"), timeoutMs);
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) tooLarge();
      else chunks.push(chunk);
    });
    request.once("end", () => settle(() => resolve(Buffer.concat(chunks))));
    request.once("error", () => fail(400, "the body was cut off"));
    request.once("close", () => fail(400, "the body was cut off"));
    if (Number(request.headers["content-length"]) > MAX_REQUEST_BYTES) tooLarge();
  });
}
