import { Spool } from "./spool.ts";

/** Of what came last, for whoever looks there for why something failed or was denied. */
const TAIL_BYTES = 16 * 1024;

/**
 * One stream of a job: spooled to a file from its first byte, decoded as it comes, and its end remembered. Whatever becomes
 * of the file, the stream itself is always drained.
 */
export class Capture {
  readonly spool: Spool;
  bytes = 0;
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #onText: (text: string) => void;
  /** Once no text is wanted, none will be: what is printed then costs no decoding. */
  #isTextWanted: () => boolean;
  #tail = Buffer.alloc(0);

  constructor(file: string, onText: (text: string) => void, isTextWanted: () => boolean = () => true) {
    this.spool = new Spool(file);
    this.#onText = onText;
    this.#isTextWanted = isTextWanted;
  }

  async write(chunk: Buffer): Promise<void> {
    this.bytes += chunk.length;
    // Copies, because the chunk is only lent.
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    if (this.#isTextWanted()) this.#onText(this.#decoder.decode(chunk, { stream: true }));
    await this.spool.write(chunk);
  }

  async end(): Promise<void> {
    if (this.#isTextWanted()) this.#onText(this.#decoder.decode());
    await this.spool.end();
  }

  /** The end of the stream, at most 16 KB of it; its first line may be cut. */
  get tail(): string {
    return this.#tail.toString();
  }

  /** The last line that has text. */
  get lastLine(): string {
    return lastLineOf(this.tail);
  }
}

/** The last line of a text that is not blank, or an empty one. */
export const lastLineOf = (text: string): string => text.trimEnd().split("\n").at(-1)?.trim() ?? "";
