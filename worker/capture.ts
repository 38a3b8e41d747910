import { type FileHandle, open } from "node:fs/promises";

const TAIL_BYTES = 1000;

/**
 * One stream of a job: spooled whole to a file from its first byte, decoded as it comes, and its end remembered.
 * A file that cannot be written is noted and given up; the stream itself is always drained.
 */
export class Capture {
  readonly file: string;
  bytes = 0;
  /** Why the file is not complete. */
  spoolError: string | undefined;
  /** Something was written to the file. */
  spooled = false;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #onText: (text: string) => void;
  /** Once no text is wanted, none will be: what is printed then costs no decoding. */
  #isTextWanted: () => boolean;
  #handle: FileHandle | undefined;
  #tail = Buffer.alloc(0);

  constructor(file: string, onText: (text: string) => void, isTextWanted: () => boolean = () => true) {
    this.file = file;
    this.#onText = onText;
    this.#isTextWanted = isTextWanted;
  }

  async write(chunk: Buffer): Promise<void> {
    this.bytes += chunk.length;
    // Copies, because the chunk is only lent.
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    if (this.#isTextWanted()) this.#onText(this.#decoder.decode(chunk, { stream: true }));
    await this.#spool(chunk);
  }

  async end(): Promise<void> {
    if (this.#isTextWanted()) this.#onText(this.#decoder.decode());
    try {
      await this.#handle?.close();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#handle = undefined;
  }

  /** The last line that has text. */
  get lastLine(): string {
    return this.#tail.toString().trimEnd().split("\n").at(-1)?.trim() ?? "";
  }

  async #spool(chunk: Buffer): Promise<void> {
    if (this.spoolError !== undefined) return;
    try {
      this.#handle ??= await open(this.file, "a", 0o600);
      for (let rest = chunk; rest.length > 0; ) {
        const { bytesWritten } = await this.#handle.write(rest);
        rest = rest.subarray(bytesWritten);
        this.spooled = true;
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    this.spoolError ??= error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
