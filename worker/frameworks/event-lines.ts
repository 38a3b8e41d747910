import { MAX_EVENT_BYTES } from "../../lib/contract/worker.ts";

const MARK = "@event ";
/** Leaves room for the number, the time and escapes. A longer line is not held back for its end; it is log. */
const MAX_LINE_LENGTH = MAX_EVENT_BYTES - 4096;

/** Tells lines `@event {…}` from the rest of a text, which passes at once and need not have lines at all. */
export class EventLines {
  #onText: (text: string) => void;
  /** Given what follows the mark; false when that is no event. */
  #onEvent: (json: string) => boolean;
  /** The beginning of a line that is, or may become, an event. */
  #held = "";
  #atLineStart = true;

  constructor(onText: (text: string) => void, onEvent: (json: string) => boolean) {
    this.#onText = onText;
    this.#onEvent = onEvent;
  }

  write(text: string): void {
    let plain = "";
    const rest = this.#held + text;
    this.#held = "";
    for (let start = 0; start < rest.length; ) {
      const newline = rest.indexOf("\n", start);
      const end = newline === -1 ? rest.length : newline + 1;
      const line = rest.slice(start, end);
      start = end;
      const isEvent = this.#atLineStart && line.startsWith(MARK);
      const mayBecomeEvent = this.#atLineStart && newline === -1 && (isEvent || MARK.startsWith(line));
      if (mayBecomeEvent && line.length <= MAX_LINE_LENGTH) {
        this.#held = line;
        break;
      }
      this.#atLineStart = newline !== -1;
      if (!isEvent || newline === -1 || line.length > MAX_LINE_LENGTH) {
        plain += line;
        continue;
      }
      // What was printed before an event is published before it.
      if (plain !== "") this.#onText(plain);
      plain = "";
      if (!this.#onEvent(line.slice(MARK.length))) this.#onText(line);
    }
    if (plain !== "") this.#onText(plain);
  }

  /** The last line may have no end. */
  end(): void {
    const last = this.#held;
    this.#held = "";
    if (last === "") return;
    if (!last.startsWith(MARK) || !this.#onEvent(last.slice(MARK.length))) this.#onText(last);
  }
}
