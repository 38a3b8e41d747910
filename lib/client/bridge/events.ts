const [LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];
const BYTE_ORDER_MARK = Buffer.from("\ufeff");
const [DATA, EVENT] = [Buffer.from("data:"), Buffer.from("event:")];

/**
 * The data of the messages in a stream of events, as bytes: a parser of text would hold an event of 10 MB four times over.
 * `unfinished` is how many bytes of an event have arrived. What ends a line of data becomes a space, which JSON takes as well.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function makeEventReader() {
  let line: Buffer[] = [];
  let data: Buffer[] = [];
  let type = "";
  let unfinished = 0;
  let isFirst = true;
  let wasReturn = false;

  function take(whole: Buffer): Buffer | undefined {
    if (whole.length === 0) return dispatch();
    if (startsWith(whole, DATA)) data.push(fieldOf(whole, DATA));
    else if (startsWith(whole, EVENT)) type = fieldOf(whole, EVENT).toString();
    // A comment keeps a quiet stream alive, and adds up to nothing.
    else if (data.length === 0) unfinished = 0;
    return undefined;
  }

  function dispatch(): Buffer | undefined {
    const text = data.length === 1 ? data[0] : Buffer.concat(data.flatMap((piece) => [piece, Buffer.of(SPACE)]));
    const isMessage = type === "" || type === "message";
    data = [];
    type = "";
    unfinished = 0;
    return isMessage && text?.length ? text : undefined;
  }

  return {
    add(chunk: Buffer): Buffer[] {
      const complete: Buffer[] = [];
      if (chunk.length === 0) return complete;
      unfinished += chunk.length;
      let start = wasReturn && chunk[0] === LINE_FEED ? 1 : 0;
      wasReturn = chunk.at(-1) === CARRIAGE_RETURN;
      for (let end = endOfLine(chunk, start); end !== -1; end = endOfLine(chunk, start)) {
        line.push(chunk.subarray(start, end));
        const whole = line.length === 1 ? (line[0] as Buffer) : Buffer.concat(line);
        line = [];
        const message = take(isFirst && startsWith(whole, BYTE_ORDER_MARK) ? whole.subarray(3) : whole);
        isFirst = false;
        if (message) complete.push(message);
        start = chunk[end] === CARRIAGE_RETURN && chunk[end + 1] === LINE_FEED ? end + 2 : end + 1;
      }
      if (start < chunk.length) line.push(chunk.subarray(start));
      return complete;
    },
    unfinished: () => unfinished,
  };
}

/** Where the next line ends: a line feed, a carriage return, or both after each other end one. */
function endOfLine(chunk: Buffer, start: number): number {
  const feed = chunk.indexOf(LINE_FEED, start);
  const before = chunk.subarray(start, feed === -1 ? chunk.length : feed).indexOf(CARRIAGE_RETURN);
  return before === -1 ? feed : start + before;
}

const startsWith = (line: Buffer, field: Buffer): boolean => line.subarray(0, field.length).equals(field);

const fieldOf = (line: Buffer, { length }: Buffer): Buffer =>
  line.subarray(line[length] === SPACE ? length + 1 : length);
