import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { isObject, type JsonObject } from "../../contract/json.ts";
import type { Answer } from "./door.ts";

/**
 * The messages of an answer, as they arrive: of a stream of events, or the one of a JSON body. Rejects with SyntaxError for
 * what is no message, and with whatever breaks the body off.
 */
export async function* messagesOf({ headers, body }: Answer): AsyncGenerator<JsonObject> {
  if (headers["content-type"]?.startsWith("text/event-stream")) yield* streamed(body);
  else yield message((await buffer(body)).toString());
}

async function* streamed(body: Readable): AsyncGenerator<JsonObject> {
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => arrived.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    for (const { data } of arrived.splice(0)) if (data !== "") yield message(data);
  }
}

function message(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new SyntaxError("not a message");
  return value;
}
