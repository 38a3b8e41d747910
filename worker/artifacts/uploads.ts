import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { UploadReply } from "../../lib/contract/worker.ts";
import type { LocalFile } from "./artifacts.ts";

const AT_ONCE = 4;
const RETRY_AFTER_MS = [200, 1000, 3000];
/** How long one request to upload is held for those still being sent. */
const ANSWER_WITHIN_MS = 8000;

export type UploadTarget = { id: string; url: string; headers: Record<string, string> };
type Upload = UploadReply["artifacts"][number] & { target: UploadTarget; done: Promise<void> };

/**
 * Sends artifacts to where they are kept: each once, however often it is asked for. One that could not be sent stays
 * pending, with the reason, and is begun anew when it is asked for again: the store may be back, at another address.
 */
export class Uploads {
  #files: ReadonlyMap<string, LocalFile>;
  #uploads = new Map<string, Upload>();
  #free = AT_ONCE;
  #queue: (() => void)[] = [];

  constructor(files: ReadonlyMap<string, LocalFile>) {
    this.#files = files;
  }

  /** Starts what was not started, waits a while, and tells how each one stands. */
  async request(targets: readonly UploadTarget[]): Promise<UploadReply> {
    const asked = targets.map((target) => this.#begin(target));
    const waiting = new AbortController();
    const all = Promise.all(asked.map(({ done }) => done));
    await Promise.race([all, sleep(ANSWER_WITHIN_MS, undefined, waiting).catch(() => {})]);
    waiting.abort();
    return {
      artifacts: asked.map(({ id, state, reason }) => ({ id, state, ...(reason !== undefined && { reason }) })),
    };
  }

  #begin(target: UploadTarget): Upload {
    const known = this.#uploads.get(target.id);
    if (known) {
      // The URLs of an earlier request may be over before this artifact's turn comes.
      known.target = target;
      return known;
    }
    const upload: Upload = { id: target.id, state: "pending", target, done: Promise.resolve() };
    this.#uploads.set(target.id, upload);
    upload.done = this.#run(upload);
    return upload;
  }

  async #run(upload: Upload): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      const refusal = await send(this.#files.get(upload.id), upload);
      if (refusal) upload.reason = refusal.reason;
      if (refusal?.mayRetry) this.#uploads.delete(upload.id);
      else upload.state = refusal ? "lost" : "stored";
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

type Refusal = { reason: string; mayRetry: boolean };

/** Undefined once stored, or why it is not. A reason never holds the URL, which is a secret. */
async function send(file: LocalFile | undefined, upload: { target: UploadTarget }): Promise<Refusal | undefined> {
  if (!file) return { reason: "the task left no artifact with this id", mayRetry: false };
  for (let attempt = 0; ; attempt++) {
    if (await hasChanged(file))
      return { reason: "the file is gone or was changed after it was listed", mayRetry: false };
    const outcome = await put(file, upload.target);
    if (outcome === "stored") return undefined;
    const pause = RETRY_AFTER_MS[attempt];
    if (!outcome.mayRetry || pause === undefined) return outcome;
    await sleep(pause);
  }
}

async function hasChanged({ path, sizeBytes, modifiedMs }: LocalFile): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return !stats?.isFile() || stats.size !== sizeBytes || stats.mtimeMs !== modifiedMs;
}

async function put(
  { path, sizeBytes, contentType }: LocalFile,
  { url, headers }: UploadTarget,
): Promise<"stored" | Refusal> {
  const file = sizeBytes === 0 ? undefined : createReadStream(path, { end: sizeBytes - 1 });
  try {
    const withLength = new Headers({ "content-type": contentType, ...lowerCased(headers) });
    // Object stores need the length beforehand; without it the body would be chunked.
    withLength.set("content-length", String(sizeBytes));
    const response = await fetch(url, {
      method: "PUT",
      headers: withLength,
      body: file ? Readable.toWeb(file) : "",
      duplex: "half",
      redirect: "error",
      // A minute, and then 100 KB/s at the least.
      signal: AbortSignal.timeout(60_000 + Math.ceil(sizeBytes / 100)),
    });
    await response.body?.cancel();
    if (response.ok) return "stored";
    const mayRetry = response.status >= 500 || response.status === 408 || response.status === 429;
    return { reason: `the store answered ${response.status}`, mayRetry };
  } catch (error) {
    return { reason: `the store could not be reached (${reasonOf(error)})`, mayRetry: true };
  } finally {
    file?.destroy();
  }
}

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.name : "unknown error";
}
