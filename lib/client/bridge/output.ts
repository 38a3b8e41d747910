import type { Writable } from "node:stream";

const LINE_FEED = Buffer.from("\n");

/** Where messages go, a line each. */
export class Output {
  readonly #stream: Writable;
  /** Aborted once nobody reads any more. */
  readonly gone: AbortSignal;
  #drained: Promise<void> | undefined;

  constructor(stream: Writable) {
    const gone = new AbortController();
    this.#stream = stream;
    this.gone = gone.signal;
    stream.on("error", () => gone.abort());
    stream.on("close", () => gone.abort());
  }

  /** Writes a message, which is one line; resolves when there is room for more. */
  async send(message: Buffer): Promise<void> {
    if (this.gone.aborted) return;
    this.#stream.cork();
    this.#stream.write(message);
    this.#stream.write(LINE_FEED);
    this.#stream.uncork();
    await this.room();
  }

  /** Resolves when the reader has taken enough, or has gone. */
  async room(): Promise<void> {
    if (!this.#stream.writableNeedDrain || this.gone.aborted) return;
    this.#drained ??= new Promise<void>((resolve) => {
      const done = () => {
        this.#drained = undefined;
        this.#stream.off("drain", done);
        this.gone.removeEventListener("abort", done);
        resolve();
      };
      this.#stream.on("drain", done);
      this.gone.addEventListener("abort", done);
    });
    await this.#drained;
  }

  /** Resolves when all that was sent has left, or nobody reads it. */
  async flushed(): Promise<void> {
    while (this.#stream.writableLength > 0 && !this.gone.aborted)
      await new Promise<void>((resolve) => {
        this.gone.addEventListener("abort", () => resolve(), { once: true });
        this.#stream.write("", () => resolve());
      });
  }
}
