import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import * as z from "zod";
import { MAX_STATE_BYTES } from "../../lib/contract/worker.ts";
import type { LocalFile } from "../artifacts/artifacts.ts";

/** A file of an agent's session: where it is, and what it is called among the others, with `/` between folders. */
export type SessionFile = { path: string; name: string };

const MAX_FILES = 1000;
const MAX_HEADER_BYTES = 1024 * 1024;

/** What lies in a place of its own below a folder, and nowhere else. */
const name = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => !/[\0\\]/.test(text) && text.split("/").every((part) => !["", ".", ".."].includes(part)));

/** What an archive begins with: one line of JSON, and then the contents in this order, all of it compressed by gzip. */
const headerSchema = z.object({
  version: z.literal(1),
  framework: z.string().max(100),
  /** What the framework calls the session. */
  session: z.string().max(200),
  files: z.array(z.object({ name, sizeBytes: z.int().nonnegative() })).max(MAX_FILES),
});
type Header = z.infer<typeof headerSchema>;

/** The state of a session, as it was packed. */
export type Packed = Pick<Header, "framework" | "session">;
export type Archive = LocalFile & { sha256: string };

/**
 * Packs files into one, as far as they fit; those that do not are handed to `leave`. Resolves with undefined where none does.
 * Throws what the file system throws, and an Error where a file changed meanwhile.
 */
export async function pack(
  path: string,
  { framework, session }: Packed,
  files: readonly SessionFile[],
  leave: (name: string, reason: string) => void,
): Promise<Archive | undefined> {
  const kept: (SessionFile & { sizeBytes: number })[] = [];
  let room = MAX_STATE_BYTES;
  for (const file of files) {
    const { size } = await stat(file.path);
    if (kept.length === MAX_FILES || !name.safeParse(file.name).success)
      leave(
        file.name,
        kept.length === MAX_FILES ? `more than ${MAX_FILES} files` : "its name is too long, or leads elsewhere",
      );
    else if (size > room) leave(file.name, `larger than the ${room} bytes that are left of ${MAX_STATE_BYTES}`);
    else {
      room -= size;
      kept.push({ ...file, sizeBytes: size });
    }
  }
  if (kept.length === 0) return undefined;
  const header: Header = {
    version: 1,
    framework,
    session,
    files: kept.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
  };
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const whole = Readable.from(contents(header, kept));
  await pipeline(whole, createGzip(), measure, createWriteStream(path, { mode: 0o600 }));
  const { mtimeMs: modifiedMs } = await stat(path);
  return { path, sizeBytes, modifiedMs, contentType: "application/gzip", sha256: hash.digest("hex") };
}

async function* contents(
  header: Header,
  files: readonly (SessionFile & { sizeBytes: number })[],
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(header)}\n`);
  for (const { path, name, sizeBytes } of files) {
    let left = sizeBytes;
    if (left === 0) continue;
    for await (const chunk of createReadStream(path, { end: sizeBytes - 1 })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (left > 0) throw new Error(`${name} became shorter while it was packed`);
  }
}

/**
 * Unpacks an archive into a folder. Throws an Error for what `pack` did not make, and stops where more comes than an archive
 * may hold.
 */
export async function unpack(path: string, folder: string): Promise<Packed & { files: SessionFile[] }> {
  const compressed = createReadStream(path);
  const bytes = new Bytes(compressed.on("error", (error) => gunzip.destroy(error)).pipe(createGunzip()));
  const { gunzip } = bytes;
  try {
    const header = headerSchema.parse(JSON.parse((await bytes.line(MAX_HEADER_BYTES)).toString()));
    if (header.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MAX_STATE_BYTES)
      throw new Error("the archive holds more than it may");
    const files = header.files.map(({ name, sizeBytes }) => ({ name, sizeBytes, path: join(folder, name) }));
    for (const file of files) {
      await mkdir(dirname(file.path), { recursive: true, mode: 0o700 });
      const written = await open(file.path, "wx", 0o600);
      try {
        for await (const chunk of bytes.next(file.sizeBytes)) await written.writeFile(chunk);
      } finally {
        await written.close();
      }
    }
    return {
      framework: header.framework,
      session: header.session,
      files: files.map(({ name, path }) => ({ name, path })),
    };
  } finally {
    gunzip.destroy();
    compressed.destroy();
  }
}

/** A stream, read in pieces whose length somebody knows. */
class Bytes {
  readonly gunzip: ReturnType<typeof createGunzip>;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(gunzip: ReturnType<typeof createGunzip>) {
    this.gunzip = gunzip;
    this.#chunks = gunzip[Symbol.asyncIterator]();
  }

  async line(maxBytes: number): Promise<Buffer> {
    for (let end = this.#rest.indexOf("\n"); ; end = this.#rest.indexOf("\n")) {
      if (end >= 0) {
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > maxBytes) throw new Error("the archive does not begin as one");
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
    }
  }

  async *next(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const chunk = this.#rest.length > 0 ? this.#rest : await this.#more();
      const part = chunk.subarray(0, left);
      this.#rest = chunk.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #more(): Promise<Buffer> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Error("the archive ends early");
    return value;
  }
}
