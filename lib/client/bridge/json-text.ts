/** Where a value stands in a text of JSON: from `start` to before `end`, in bytes. */
export type Span = { start: number; end: number };

/**
 * The members of the one object that a text of JSON is, by name; of those that are there twice the last, which is the one that
 * parsers take. Undefined when the text is anything else, or goes on behind the object. Nothing is copied and no value is made,
 * so that an answer of 10 MB costs 10 MB. That the values are JSON is not looked at.
 */
export function membersOf(
  text: Buffer,
  { start, end }: Span = { start: 0, end: text.length },
): Map<string, Span> | undefined {
  const members = new Map<string, Span>();
  let at = skipSpace(text, start);
  if (text[at] !== BRACE) return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] === QUOTE && at < end) {
    const nameEnd = endOfString(text, at);
    const name = nameOf(text, { start: at, end: nameEnd });
    at = skipSpace(text, nameEnd);
    if (name === undefined || text[at] !== COLON) return undefined;
    const value = { start: skipSpace(text, at + 1), end: 0 };
    value.end = endOfValue(text, value.start);
    members.set(name, value);
    at = skipSpace(text, value.end);
    if (text[at] !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return text[at] === CLOSING_BRACE && skipSpace(text, at + 1) >= end ? members : undefined;
}

/** The elements of the one array that a text of JSON is; undefined when it is anything else. */
export function elementsOf(text: Buffer): Span[] | undefined {
  const elements: Span[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== BRACKET) return undefined;
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== CLOSING_BRACKET) {
    const element = { start: at, end: endOfValue(text, at) };
    elements.push(element);
    at = skipSpace(text, element.end);
    if (text[at] === COMMA) at = skipSpace(text, at + 1);
    else if (text[at] !== CLOSING_BRACKET) return undefined;
  }
  return at < text.length && skipSpace(text, at + 1) >= text.length ? elements : undefined;
}

/** The text with the value in that place replaced. */
export const replaced = (text: Buffer, { start, end }: Span, value: string): Buffer =>
  Buffer.concat([text.subarray(0, start), Buffer.from(value), text.subarray(end)]);

/** The text with one more member at the end of the object in that place, where it wins over any of the same name. */
export function withMember(text: Buffer, { start, end }: Span, name: string, value: string): Buffer {
  const isEmpty = skipSpace(text, start + 1) === end - 1;
  return replaced(text, { start: end - 1, end: end - 1 }, `${isEmpty ? "" : ","}${JSON.stringify(name)}:${value}`);
}

/** The text in one line: in JSON, a line ends between values only. */
export function inOneLine(text: Buffer): Buffer {
  if (!text.includes(LINE_FEED) && !text.includes(CARRIAGE_RETURN)) return text;
  return Buffer.from(text.map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte)));
}

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [BRACKET, CLOSING_BRACKET, BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) at += 1;
  return at;
}

/** Behind the string that begins at `start`. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(QUOTE, start + 1); end !== -1; end = text.indexOf(QUOTE, end + 1)) {
    let before = end - 1;
    while (text[before] === BACKSLASH) before -= 1;
    // An even number of backslashes escape each other, and not the quote.
    if ((end - before) % 2 === 1) return end + 1;
  }
  return text.length;
}

/** Behind the value that begins at `start`. */
function endOfValue(text: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = endOfString(text, at) - 1;
      if (depth === 0) return at + 1;
    } else if (byte === BRACE || byte === BRACKET) {
      depth += 1;
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) {
      return at;
    }
  }
  return text.length;
}

function nameOf(text: Buffer, { start, end }: Span): string | undefined {
  try {
    return JSON.parse(text.toString("utf8", start, end)) as string;
  } catch {
    return undefined;
  }
}
