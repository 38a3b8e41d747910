/** Where a value stands in a text of JSON: from `start` to before `end`, in bytes. */
export type Span = { start: number; end: number };

/**
 * The members of the one object that a text of JSON is, by name; of those that are there twice the last, which is the one that
 * parsers take. Undefined when the text is anything else, or goes on behind the object: whether its bytes are UTF-8 is all that is
 * not looked at. Nothing is copied and no value is made, so that an answer of 10 MB costs 10 MB.
 */
export function membersOf(
  text: Buffer,
  { start, end }: Span = { start: 0, end: text.length },
): Map<string, Span> | undefined {
  const members = new Map<string, Span>();
  let at = skipSpace(text, start);
  if (text[at] !== BRACE) return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] !== CLOSING_BRACE || members.size > 0) {
    const name = { start: at, end: endOfString(text, at) };
    const valueStart = startOfValue(text, at);
    const value = { start: valueStart, end: endOfValue(text, valueStart) };
    if (value.end === BROKEN) return undefined;
    members.set(JSON.parse(text.toString("utf8", name.start, name.end)) as string, value);
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
  while (text[at] !== CLOSING_BRACKET || elements.length > 0) {
    const element = { start: at, end: endOfValue(text, at) };
    if (element.end === BROKEN) return undefined;
    elements.push(element);
    at = skipSpace(text, element.end);
    if (text[at] !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return text[at] === CLOSING_BRACKET && skipSpace(text, at + 1) >= text.length ? elements : undefined;
}

/** Whether a text is JSON, as far as it is UTF-8. */
export function isJson(text: Buffer): boolean {
  const end = endOfValue(text, skipSpace(text, 0));
  return end !== BROKEN && skipSpace(text, end) === text.length;
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
const [PLUS, MINUS, POINT, ZERO, NINE, SMALL_E, BIG_E, SMALL_U] = [0x2b, 0x2d, 0x2e, 0x30, 0x39, 0x65, 0x45, 0x75];
const [BRACKET, CLOSING_BRACKET, BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
/** What may stand behind a backslash, but for a `u` and its four digits. */
const escaped: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'));
const words = ["true", "false", "null"].map((word) => Buffer.from(word));

/** Where a text goes on behind what is not JSON. */
const BROKEN = -1;
/** How many objects and arrays may be open at once: https://www.rfc-editor.org/rfc/rfc8259#section-9 */
const MAX_DEPTH = 100_000;

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) at += 1;
  return at;
}

/** Behind the value that begins at `start`, or BROKEN: https://www.rfc-editor.org/rfc/rfc8259 */
function endOfValue(text: Buffer, start: number): number {
  /** What ends each object and array that is open. */
  const open: number[] = [];
  for (let at = start; ; ) {
    const first = text[at];
    if (first === BRACE || first === BRACKET) {
      const closing = first === BRACE ? CLOSING_BRACE : CLOSING_BRACKET;
      at = skipSpace(text, at + 1);
      if (text[at] !== closing) {
        if (open.push(closing) > MAX_DEPTH) return BROKEN;
        if (closing === CLOSING_BRACE) at = startOfValue(text, at);
        continue;
      }
      at += 1;
    } else {
      at = endOfScalar(text, at);
      if (at === BROKEN) return BROKEN;
    }
    for (let closing = open.at(-1); ; closing = open.at(-1)) {
      if (closing === undefined) return at;
      at = skipSpace(text, at);
      const next = text[at];
      at += 1;
      if (next === COMMA) {
        at = skipSpace(text, at);
        if (closing === CLOSING_BRACE) at = startOfValue(text, at);
        break;
      }
      if (next !== closing) return BROKEN;
      open.pop();
    }
  }
}

/** Where the value of the member begins whose name begins at `start`; or BROKEN, where no value begins. */
function startOfValue(text: Buffer, start: number): number {
  const end = text[start] === QUOTE ? endOfString(text, start) : BROKEN;
  const colon = end === BROKEN ? BROKEN : skipSpace(text, end);
  return text[colon] === COLON ? skipSpace(text, colon + 1) : BROKEN;
}

function endOfScalar(text: Buffer, start: number): number {
  const first = text[start];
  if (first === QUOTE) return endOfString(text, start);
  if (first === MINUS || isDigit(first)) return endOfNumber(text, start);
  const word = words.find((known) => known.every((byte, index) => text[start + index] === byte));
  return word ? start + word.length : BROKEN;
}

function endOfString(text: Buffer, start: number): number {
  const { length } = text;
  for (let at = start + 1; at < length; at++) {
    // Nearly all of a long answer is passed over here.
    while (isPlain(text[at] as number) && at < length) at += 1;
    if (text[at] === QUOTE) return at + 1;
    if (text[at] !== BACKSLASH) return BROKEN;
    at += 1;
    if (text[at] === SMALL_U) {
      if (!/^[\da-f]{4}$/i.test(text.toString("latin1", at + 1, at + 5))) return BROKEN;
      at += 4;
    } else if (!escaped.has(text[at])) return BROKEN;
  }
  return BROKEN;
}

/** What stands for itself in a string. */
const isPlain = (byte: number): boolean => byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH;

function endOfNumber(text: Buffer, start: number): number {
  const whole = text[start] === MINUS ? start + 1 : start;
  let at = text[whole] === ZERO ? whole + 1 : endOfDigits(text, whole);
  if (at !== BROKEN && text[at] === POINT) at = endOfDigits(text, at + 1);
  if (at === BROKEN || (text[at] !== SMALL_E && text[at] !== BIG_E)) return at;
  const isSigned = text[at + 1] === PLUS || text[at + 1] === MINUS;
  return endOfDigits(text, at + (isSigned ? 2 : 1));
}

/** Behind one or more digits. */
function endOfDigits(text: Buffer, start: number): number {
  let at = start;
  while (isDigit(text[at])) at += 1;
  return at === start ? BROKEN : at;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;
