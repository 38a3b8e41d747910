import type { Readable } from "node:stream";

const LINE_FEED = 0x0a;
/** What is kept of each end of a line that is too long, in bytes: the id of a request is near one of them. */
const KEPT_BYTES = 4096;

/** A line of the input; of one that is too long, its ends. */
export type Line = { text: Buffer } | { bytes: number; head: Buffer; tail: Buffer };

/**
 * The lines of a stream, each of `maxBytes` at most. What is longer is read to its end without being kept. `passed` is told of
 * the bytes.
 */
export async function* linesOf(
  input: Readable,
  maxBytes: number,
  passed: (bytes: number) => void,
): AsyncGenerator<Line> {
  let line = emptyLine(maxBytes);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    passed(chunk.length);
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end));
      yield line.whole();
      line = emptyLine(maxBytes);
      start = end + 1;
    }
    line.add(chunk.subarray(start));
  }
  yield line.whole();
}

function emptyLine(maxBytes: number) {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let cut: { head: Buffer; tail: Buffer } | undefined;
  return {
    add(piece: Buffer): void {
      bytes += piece.length;
      if (!cut) {
        if (piece.length > 0) pieces.push(piece);
        if (bytes <= maxBytes) return;
        const whole = Buffer.concat(pieces);
        cut = { head: Buffer.from(whole.subarray(0, KEPT_BYTES)), tail: Buffer.from(whole.subarray(-KEPT_BYTES)) };
        pieces = [];
        return;
      }
      cut.tail = Buffer.from(Buffer.concat([cut.tail, piece]).subarray(-KEPT_BYTES));
    },
    whole: (): Line =>
      // Whoever waits before the next line does not keep this one twice.
      cut ? { bytes, ...cut } : { text: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces.splice(0)) },
  };
}
