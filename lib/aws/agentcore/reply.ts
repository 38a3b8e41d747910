import { addAbortSignal, Readable } from "node:stream";
import { RetryableError } from "../../domain/errors.ts";

/** Replies are events, results and lists of artifacts; more than this is not one of ours. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** The whole of a streamed answer as text. Throws RetryableError `worker.contract_broken` when it is too long. */
export async function readText(stream: unknown, signal: AbortSignal): Promise<string> {
  if (!(stream instanceof Readable)) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Until the answer begins the SDK heeds the signal.
  for await (const chunk of addAbortSignal(signal, stream)) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) throw new RetryableError("worker.contract_broken", "the worker's reply is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What the worker answered, as JSON. Of server-sent events the last one with data counts. */
export async function readReply(stream: unknown, contentType: string | undefined, signal: AbortSignal) {
  const text = await readText(stream, signal);
  const json = contentType?.startsWith("text/event-stream") ? (dataOf(text).at(-1) ?? "") : text;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new RetryableError("worker.contract_broken", "the worker's reply is not JSON", { cause });
  }
}

/** The data of each server-sent event as it comes. Throws RetryableError `worker.contract_broken` when one is too long. */
export async function* readEvents(stream: unknown, signal: AbortSignal): AsyncGenerator<string> {
  if (!(stream instanceof Readable)) return;
  let pieces: string[] = [];
  let size = 0;
  /** The end of what was searched: a blank line may begin in it. */
  let seen = "";
  for await (const chunk of addAbortSignal(signal, stream).setEncoding("utf8") as AsyncIterable<string>) {
    const text = seen + chunk;
    const end = endOfBlankLine(text);
    const rest = end > 0 ? text.slice(end) : chunk;
    if (end > 0) {
      yield* dataOf(pieces.join("") + chunk.slice(0, end - seen.length));
      pieces = [];
      size = 0;
    }
    pieces.push(rest);
    size += rest.length;
    seen = (end > 0 ? rest : text).slice(-2);
    if (size > MAX_REPLY_BYTES) throw new RetryableError("worker.contract_broken", "the worker's reply is too long");
  }
  yield* dataOf(pieces.join(""));
}

/** Where the last blank line ends; 0 when there is none. */
function endOfBlankLine(text: string): number {
  const starts = ["\n\n", "\n\r\n"].map((line) => ({ at: text.lastIndexOf(line), length: line.length }));
  return Math.max(0, ...starts.map(({ at, length }) => (at < 0 ? 0 : at + length)));
}

/** The data of each server-sent event: https://html.spec.whatwg.org/multipage/server-sent-events.html */
function dataOf(text: string): string[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).replace(/^ /, ""))
        .join("\n"),
    )
    .filter((data) => data !== "");
}
