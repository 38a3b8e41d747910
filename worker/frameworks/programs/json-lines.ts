import { type JsonObject, parseJsonObject } from "../../../lib/contract/json.ts";

/** A line longer than this is not held; programs put whole files into one. */
const MAX_LINE_LENGTH = 16 * 1024 * 1024;

export type LineReader = {
  object(value: JsonObject): void;
  /** Whatever is no JSON object, with its line end. */
  text(text: string): void;
};

/** Tells the JSON objects in a text from its other lines, with no more than one line in memory. */
export class JsonLines {
  readonly #reader: LineReader;
  readonly #maxLength: number;
  #held: string[] = [];
  #length = 0;
  /** In the rest of a line that was too long. */
  #isSkipping = false;

  constructor(reader: LineReader, maxLength = MAX_LINE_LENGTH) {
    this.#reader = reader;
    this.#maxLength = maxLength;
  }

  write(text: string): void {
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline === -1 ? text.length : newline;
      this.#hold(text.slice(start, end));
      if (newline === -1) return;
      this.#take();
      start = newline + 1;
    }
  }

  /** The last line may have no end. */
  end(): void {
    if (this.#length > 0) this.#take();
  }

  #hold(part: string): void {
    if (this.#isSkipping || part === "") return;
    this.#length += part.length;
    this.#held.push(part);
    if (this.#length <= this.#maxLength) return;
    this.#isSkipping = true;
    this.#held = [];
    this.#reader.text(`[a line of more than ${this.#maxLength} characters was left out]\n`);
  }

  #take(): void {
    const line = this.#held.join("");
    this.#held = [];
    this.#length = 0;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    if (line.trim() === "") return;
    const value = parseJsonObject(line);
    if (value) this.#reader.object(value);
    else this.#reader.text(`${line}\n`);
  }
}
