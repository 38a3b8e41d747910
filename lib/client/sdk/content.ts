import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { codeOf, DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { isLoopback } from "../http/address.ts";
import type { Answer } from "../http/door.ts";
import { ConnectionFailure, request } from "../http/request.ts";
import { abortError } from "./aborting.ts";

const NOTHING = Buffer.alloc(0);

export type ContentOptions = {
  /** Whether the endpoint is on this machine, whose files it may name. */
  isLocal: boolean;
  /** How long the content is, in bytes, where that is known: anything else is refused. */
  sizeBytes?: number | undefined;
  /** Aborting it ends the stream with an AbortError. */
  signal?: AbortSignal | undefined;
};

/**
 * The content behind an address that an endpoint gave: a file of this machine, or what https (on loopback http) brings, to
 * which nothing that opens the endpoint is sent. Nothing is opened before it is read, and an address is asked for only then.
 * Ends with a DispatchError where less or something else comes, or with an AbortError.
 */
export function streamOf(
  find: () => Promise<{ uri: string } & Pick<ContentOptions, "sizeBytes">>,
  options: ContentOptions,
) {
  return Readable.from(contentOf(find, options), { objectMode: false });
}

async function* contentOf(
  find: () => Promise<{ uri: string } & Pick<ContentOptions, "sizeBytes">>,
  { isLocal, signal }: ContentOptions,
): AsyncGenerator<Buffer> {
  try {
    const { uri, sizeBytes } = await find();
    let length = 0;
    for await (const chunk of await open(uri, isLocal, signal)) {
      length += chunk.length;
      if (sizeBytes !== undefined && length > sizeBytes) throw wrongSize(sizeBytes, "more");
      yield chunk;
    }
    if (sizeBytes !== undefined && length < sizeBytes) throw wrongSize(sizeBytes, "less");
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    throw asDispatchError(error);
  }
}

async function open(uri: string, isLocal: boolean, signal: AbortSignal | undefined): Promise<Readable> {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  const options = signal ? { signal } : {};
  if (url?.protocol === "file:" && isLocal) return createReadStream(fileURLToPath(url), options);
  // What is read without a running system lies nowhere else.
  if (url?.protocol === "data:") return Readable.from([contentOfData(url)]);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname)))
    return answered(await request({ method: "GET", url, headers: {}, body: NOTHING }, { ...options, mayShare: false }));
  const what =
    url?.protocol === "file:" ? "a file, which is not on this machine" : "an address that is not safe to read";
  throw new RefusedError("endpoint.insecure", `the endpoint named ${what}`, { hint: "read it where the system runs" });
}

/** As it is written where we make one: https://www.rfc-editor.org/rfc/rfc2397 */
function contentOfData({ pathname }: URL): Buffer {
  const [, base64] = /^[^,]*;base64,([\w+/=]*)$/.exec(pathname) ?? [];
  if (base64 === undefined)
    throw new RefusedError("endpoint.failed", "the endpoint named an address that says nothing");
  return Buffer.from(base64, "base64");
}

function answered({ status, body }: Answer): Readable {
  if (status === 200) return body;
  body.destroy();
  if (status === 404) throw new RefusedError("artifact.not_found", "the content is not kept any more");
  if (status === 403)
    throw new RefusedError("artifact.token_expired", "the address of the content does not open it (any more)", {
      hint: "ask for the result again: each reply has new addresses",
    });
  if (status >= 300 && status < 400)
    throw new RefusedError("endpoint.redirected", "the content's address leads elsewhere");
  if (status >= 500)
    throw new RetryableError("platform.artifacts_unavailable", `the content's store answered ${status}`);
  throw new RefusedError("endpoint.failed", `the content's store answered ${status}`);
}

function asDispatchError(error: unknown): DispatchError {
  if (error instanceof DispatchError) return error;
  if (codeOf(error) === "ENOENT")
    return new RefusedError("artifact.not_found", "the content is not kept any more", { cause: error });
  // Before its answer it is a failure of the connection already, and in the middle of it what the stream ends with.
  const cause = error instanceof ConnectionFailure ? error.cause : error;
  const why =
    codeOf(cause) === "ETIMEDOUT" ? "nothing more of it came" : cause instanceof Error ? cause.message : String(cause);
  return new RetryableError("platform.artifacts_unavailable", `the content cannot be read: ${why}`, {
    hint: "read it again",
    cause: error,
  });
}

const wrongSize = (sizeBytes: number, which: string) =>
  new RetryableError("platform.artifacts_unavailable", `${which} than the ${sizeBytes} bytes of the content came`);
