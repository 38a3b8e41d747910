import type { Writable } from "node:stream";

/** Standard input that stays open while its program runs: lines that are written to it, until it is ended. */
export class LiveInput {
  #stream: Writable | undefined;
  #held: string[] = [];
  #hasEnded = false;

  /** What is written to a program that has gone is lost, as its answer is. */
  attach(stream: Writable): void {
    stream.on("error", () => {});
    this.#stream = stream;
    for (const line of this.#held.splice(0)) stream.write(line);
    if (this.#hasEnded) stream.end();
  }

  /** False once it was ended. */
  write(value: object): boolean {
    if (this.#hasEnded || this.#stream?.destroyed) return false;
    const line = `${JSON.stringify(value)}\n`;
    if (this.#stream) this.#stream.write(line);
    else this.#held.push(line);
    return true;
  }

  end(): void {
    this.#hasEnded = true;
    this.#stream?.end();
  }
}
