import { createHash, randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { codeOf, RefusedError, RetryableError } from "../../contract/errors.ts";
import type { Content } from "../content.ts";

const LEFTOVER_MS = 86_400_000;

/** Files named by the sha256 of their content, in a folder of mode 0700; the files have mode 0400: nobody edits them. */
export class ContentStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder, and removes what writers that died a day ago left. Throws RetryableError. */
  static prepared(folder: string, nowMs: number): ContentStore {
    try {
      mkdirSync(join(folder, "tmp"), { recursive: true, mode: 0o700 });
      for (const name of readdirSync(join(folder, "tmp"))) {
        const path = join(folder, "tmp", name);
        if (nowMs - statSync(path).mtimeMs > LEFTOVER_MS) rmSync(path, { force: true });
      }
    } catch (error) {
      throw unavailable(folder, error);
    }
    return new ContentStore(folder);
  }

  pathOf(sha256: string): string {
    return join(this.#folder, "content", sha256.slice(0, 2), sha256);
  }

  /** A path for a file under way, on the same file system. */
  temporaryPath(): string {
    return join(this.#folder, "tmp", randomUUID());
  }

  /**
   * Keeps what `chunks` yields, durably, and only if it is what was `expected`; else nothing is left of it. Throws
   * RefusedError `artifact.wrong_size` or `artifact.wrong_content`, RetryableError, and what `chunks` throws.
   */
  async save(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, expected?: Content): Promise<Content> {
    const path = this.temporaryPath();
    const file = await this.guard(() => open(path, "wx", 0o600));
    try {
      const hash = createHash("sha256");
      let sizeBytes = 0;
      for await (const chunk of chunks) {
        sizeBytes += chunk.byteLength;
        if (expected && sizeBytes > expected.sizeBytes) throw wrongSize(expected);
        hash.update(chunk);
        await this.guard(() => file.writeFile(chunk));
      }
      const content = { sha256: hash.digest("hex"), sizeBytes };
      if (expected && sizeBytes !== expected.sizeBytes) throw wrongSize(expected);
      if (expected && content.sha256 !== expected.sha256)
        throw new RefusedError(
          "artifact.wrong_content",
          `the content has sha256 ${content.sha256}, not ${expected.sha256}`,
        );
      await this.guard(() => file.sync());
      await this.guard(() => this.#settle(path, content));
      return content;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }

  /** Reads and checks. Throws RefusedError `artifact.not_found` or `artifact.corrupt`. */
  async read(content: Content): Promise<Uint8Array> {
    const bytes = await this.guard(() => ifThere(readFile(this.pathOf(content.sha256))));
    if (!bytes) throw notFound(content);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 === content.sha256 && bytes.byteLength === content.sizeBytes) return bytes;
    throw damaged(content, { sha256, sizeBytes: bytes.byteLength });
  }

  /** Whether the file at `path` (by default the content's own) holds exactly this content. */
  async holds(content: Content, path = this.pathOf(content.sha256)): Promise<boolean> {
    return this.guard(async () => {
      const found = await ifThere(stat(path));
      if (!found?.isFile() || found.size !== content.sizeBytes) return false;
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(path)) hash.update(chunk);
      return hash.digest("hex") === content.sha256;
    });
  }

  /** Whether there is a file, without a look at what it holds. */
  async hasFile(path: string): Promise<boolean> {
    return this.guard(async () => (await ifThere(stat(path)))?.isFile() ?? false);
  }

  /** The content as an answer, read while it is sent. Throws RefusedError `artifact.not_found` or `artifact.corrupt`. */
  async send(content: Content): Promise<Response> {
    const path = this.pathOf(content.sha256);
    const found = await this.guard(() => ifThere(stat(path)));
    if (!found) throw notFound(content);
    if (found.size !== content.sizeBytes) throw damaged(content, { sizeBytes: found.size });
    const body = content.sizeBytes === 0 ? null : (Readable.toWeb(createReadStream(path)) as ReadableStream);
    return new Response(body, { headers: { "content-length": String(content.sizeBytes) } });
  }

  /** Removes what was saved last before a time in epoch milliseconds. */
  async removeUntouchedSince(timeMs: number): Promise<void> {
    const root = join(this.#folder, "content");
    for (const part of await ifThere(readdir(root)).then((names) => names ?? []))
      for (const name of await readdir(join(root, part))) {
        const path = join(root, part, name);
        const found = await ifThere(stat(path));
        if (found && found.mtimeMs < timeMs) await rm(path, { force: true });
      }
  }

  /** Runs file operations; their errors become RetryableError `platform.artifacts_unavailable`. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw unavailable(this.#folder, error);
    }
  }

  /** One that is saved again is as young as that. */
  async #renew({ sha256 }: Content): Promise<void> {
    const now = new Date();
    await utimes(this.pathOf(sha256), now, now);
  }

  async #settle(path: string, content: Content): Promise<void> {
    if (await this.holds(content)) return await this.#renew(content);
    await chmod(path, 0o400);
    const target = this.pathOf(content.sha256);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(path, target);
    const folder = await open(dirname(target), "r");
    await folder.sync().finally(() => folder.close());
  }
}

async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

export const notFound = ({ sha256 }: Content): RefusedError =>
  new RefusedError("artifact.not_found", `no content with sha256 ${sha256} is kept here`);

const damaged = ({ sha256 }: Content, details: Partial<Content>): RefusedError =>
  new RefusedError("artifact.corrupt", `the content with sha256 ${sha256} is damaged`, { details });

/** Whether a file operation failed because there is no room left. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error instanceof RetryableError ? error.cause : error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

function wrongSize({ sizeBytes }: Content): RefusedError {
  return new RefusedError("artifact.wrong_size", `the content is not ${sizeBytes} bytes long, as was announced`);
}

function unavailable(folder: string, error: unknown): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error && "syscall" in error)) return error;
  const full = isFull(error);
  return new RetryableError(
    "platform.artifacts_unavailable",
    full ? `the disk that holds ${folder} is full` : `artifacts in ${folder} cannot be read or written (${code})`,
    {
      hint: full ? `free space for ${folder}, then try again` : `make ${folder} readable and writable for this user`,
      cause: error,
    },
  );
}
