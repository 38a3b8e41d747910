import { closeSync, openSync, readSync, statSync } from "node:fs";
import { copyFile, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

const CHUNK_BYTES = 1024 * 1024;

/** Lines of a file that another process writes, each once and as soon as it is whole. */
export class NewLines {
  readonly #each: (line: string) => void;
  #read = 0;
  /** The beginning of a line that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  /** Reads what was added since the last time. A file that is not there, or cannot be read, has no lines. */
  readOn(path: string | undefined): void {
    if (path === undefined) return;
    try {
      const size = statSync(path).size;
      if (size <= this.#read) return;
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
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
    const end = bytes.lastIndexOf("\n") + 1;
    this.#rest = bytes.subarray(end);
    for (const line of bytes.subarray(0, end).toString().split("\n")) this.#each(line);
  }
}

/** Copies a file that only grows, unless what is there already has as much. */
export async function copyLonger(from: string, to: string): Promise<void> {
  const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;
  if ((await sizeOf(to)) >= (await sizeOf(from))) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyFile(from, to);
}
