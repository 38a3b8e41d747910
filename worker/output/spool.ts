import { type FileHandle, open, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/** Most bytes that are kept of one stream. */
const MAX_BYTES = 1024 ** 3;
/** Room that is left to everybody else, of a small disk a quarter: without it nobody could even note a cancel. */
const RESERVE_BYTES = 256 * 1024 ** 2;
const MOST_BETWEEN_LOOKS = 64 * 1024 ** 2;
const LEAST_BETWEEN_LOOKS = 64 * 1024;

/**
 * Writes a stream of unknown length to a file, as long as the disk has room for it, for the copy that is kept of it and for
 * others. What cannot be written is noted in `problem`, and then nothing more is.
 */
export class Spool {
  readonly file: string;
  /** Why the file is not complete. */
  problem: string | undefined;
  /** There is a file, and something is in it. */
  isFilled = false;
  readonly #maxBytes: number;
  #bytes = 0;
  #lookAgainAt = 0;
  #handle: FileHandle | undefined;

  constructor(file: string, maxBytes = MAX_BYTES) {
    this.file = file;
    this.#maxBytes = maxBytes;
  }

  async write(chunk: Buffer): Promise<void> {
    try {
      let rest = chunk.subarray(0, this.#maxBytes - this.#bytes);
      if (this.problem === undefined && this.#bytes + rest.length > this.#lookAgainAt) await this.#look(rest.length);
      while (rest.length > 0 && this.problem === undefined) {
        this.#handle ??= await open(this.file, "a", 0o600);
        const { bytesWritten } = await this.#handle.write(rest);
        rest = rest.subarray(bytesWritten);
        this.#bytes += bytesWritten;
        this.isFilled = true;
      }
      if (this.#bytes === this.#maxBytes) this.problem ??= `only its first ${this.#maxBytes} bytes are kept`;
    } catch (error) {
      this.#giveUp(error);
    }
  }

  async end(): Promise<void> {
    try {
      await this.#handle?.close();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#handle = undefined;
  }

  /** Frees what the file takes; nothing more is written. */
  async discard(reason: string): Promise<void> {
    this.problem ??= reason;
    await this.end();
    this.isFilled = false;
    await rm(this.file, { force: true }).catch(() => {});
  }

  async #look(wanted: number): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(dirname(this.file));
    const room = bavail * bsize - Math.min(RESERVE_BYTES, (blocks * bsize) / 4) - this.#bytes;
    if (room < 2 * wanted) this.problem ??= "the disk has no room for more of it";
    const step = Math.max(LEAST_BETWEEN_LOOKS, Math.min(MOST_BETWEEN_LOOKS, room / 4));
    this.#lookAgainAt = this.#bytes + step;
  }

  #giveUp(error: unknown): void {
    const reason = error instanceof Error && "code" in error ? error.code : error;
    this.problem ??= `its file could not be written (${reason})`;
  }
}
