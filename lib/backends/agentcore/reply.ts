import { addAbortSignal, Readable } from "node:stream";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { RetryableError } from "../../contract/errors.ts";
import { MAX_REPLY_BYTES } from "../../contract/limits.ts";

/** Replies are events, results and lists of artifacts; more than this is not one of ours. */

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

/** What was answered, as JSON. Of server-sent events the last one with data counts. */
export async function readReply(stream: unknown, contentType: string | undefined, signal: AbortSignal) {
  let json = "";
  if (!contentType?.startsWith("text/event-stream")) json = await readText(stream, signal);
  else for await (const { data } of readEvents(stream, signal)) json = data;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new RetryableError("worker.contract_broken", "the worker's reply is not JSON", { cause });
  }
}

/**
 * Each server-sent event with data as it comes. Throws RetryableError `worker.contract_broken` when one is too long.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents(stream: unknown, signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
  if (!(stream instanceof Readable)) return;
  let events: EventSourceMessage[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: MAX_REPLY_BYTES,
    onEvent: (event) => event.data !== "" && events.push(event),
    onError: ({ type }) => {
      isTooLong ||= type === "max-buffer-size-exceeded";
    },
  });
  const text = addAbortSignal(signal, stream).setEncoding("utf8") as AsyncIterable<string>;
  for await (const chunk of text) {
    parser.feed(chunk);
    if (isTooLong) throw new RetryableError("worker.contract_broken", "the worker's reply is too long");
    yield* events;
    events = [];
  }
  // The last event of a stream may lack the blank line that ends one.
  parser.feed("\n\n");
  yield* events;
}
