import { closeSync, openSync, readSync, statSync } from "node:fs";
import { copyFile, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

const CHUNK_BYTES = 1024 * 1024;
/** A longer line is left out; the lines that anybody looks for are short. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Where more was added than this, only its end is read: an agent can make its files as large as it likes. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** Lines of a file that another process writes, each once and as soon as it is whole. */
export class NewLines {
  readonly #each: (line: string) => void;
  #read = 0;
  /** The beginning of a line that is not whole yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** In the rest of a line whose beginning was left out. */
  #isSkipping = false;

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  /** Reads what was added since the last time. A file that is not there, or cannot be read, has no lines. */
  readOn(path: string | undefined): void {
    if (path === undefined) return;
    try {
      const size = statSync(path).size;
      if (size <= this.#read) return;
      if (size - this.#read > MAX_READ_BYTES) {
        this.#read = size - MAX_READ_BYTES;
        this.#skip();
      }
      const descriptor = openSync(path, "r");
      try {
        while (this.#read < size) this.#take(descriptor, size);
      } finally {
        closeSync(descriptor);
      }
    } catch {}
  }

  #take(descriptor: number, size: number): void {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - this.#read));
    const length = readSync(descriptor, chunk, 0, chunk.length, this.#read);
    this.#read = length === 0 ? size : this.#read + length;
    const bytes = chunk.subarray(0, length);
    let start = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", start)) {
      this.#hold(bytes.subarray(start, end));
      this.#tell();
      start = end + 1;
    }
    this.#hold(bytes.subarray(start));
  }

  #hold(part: Buffer): void {
    if (this.#isSkipping) return;
    this.#held.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_LINE_BYTES) this.#skip();
  }

  #tell(): void {
    const line = this.#isSkipping ? undefined : Buffer.concat(this.#held).toString();
    this.#isSkipping = false;
    this.#drop();
    if (line !== undefined) this.#each(line);
  }

  #skip(): void {
    this.#isSkipping = true;
    this.#drop();
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }
}

/** Copies a file that only grows, unless what is there already has as much. */
export async function copyLonger(from: string, to: string): Promise<void> {
  const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
  if ((await sizeOf(to)) >= (await sizeOf(from))) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyFile(from, to);
}
