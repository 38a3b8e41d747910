import { RefusedError } from "./errors.ts";

/** More than a call needs. Each costs memory and time beyond its length: a million of `[]` would stop everything else. */
const MAX_VALUES = 100_000;

/** Parses JSON that holds few enough values. Throws SyntaxError, or RefusedError `input.invalid` for too many. */
export function parseBounded(text: string): unknown {
  if (hasMoreValues(text, MAX_VALUES))
    throw new RefusedError("input.invalid", `the body holds more than ${MAX_VALUES} values`);
  return JSON.parse(text);
}

/** Every value comes first, after the bracket of its array or object, or after a comma. */
function hasMoreValues(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  let values = 1;
  for (let at = 0; at < text.length && values <= limit; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === COMMA || character === BRACKET || character === BRACE) values += 1;
  }
  return values > limit;
}

const [QUOTE, COMMA, BRACKET, BRACE, BACKSLASH] = [0x22, 0x2c, 0x5b, 0x7b, 0x5c];

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // An even number of backslashes escape each other, and not the quote.
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
