import type { Readable } from "node:stream";
import { RefusedError } from "../../contract/errors.ts";
import type { Answer } from "../http/door.ts";
import { ConnectionFailure } from "../http/request.ts";
import { makeEventReader } from "./events.ts";
import type { Turn } from "./turn.ts";

/** Longest message that is passed on, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** What every exchange may hold of a message that is still arriving, in bytes; for more it needs the turn. */
const SMALL_BYTES = 64 * 1024;
/** How long an answer that has stopped in the middle of a message keeps the turn from the others. */
const STALLED_MS = 2000;
/** How long an answer may take to end once nothing more of it is needed. */
const END_MS = 1000;

export type Receiving = {
  /** Whose turn it is to hold a message that is not small: of all others no more is read meanwhile. */
  large: Turn;
  signal: AbortSignal;
  /** Told of the bytes that arrive. */
  passed(bytes: number): void;
};

/**
 * The messages in an answer of the endpoint, as they arrive: each a text of JSON, which is all that is known of it. The next
 * is read once the one before was taken. Throws ConnectionFailure when they break off, and RefusedError `endpoint.failed` for
 * an answer that is neither JSON nor a stream of events, or is too long.
 */
export async function* received({ status, headers, body }: Answer, receiving: Receiving): AsyncGenerator<Buffer> {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const messages = type === "text/event-stream" ? events() : type === "application/json" ? whole() : undefined;
  if (!messages) {
    discard(body);
    throw new RefusedError("endpoint.failed", `the endpoint answered with HTTP status ${status} and no JSON`, {
      hint: "look whether this is the address of an MCP endpoint",
      details: { status, contentType: type ?? null },
    });
  }
  const held = holding(receiving);
  try {
    for await (const chunk of chunksOf(body)) {
      receiving.passed(chunk.length);
      await held.grow(chunk.length);
      yield* messages.add(chunk);
      held.keep(messages.unfinished());
    }
    yield* messages.end();
  } finally {
    held.keep(0);
  }
}

async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new ConnectionFailure(error, true);
  } finally {
    discard(body);
  }
}

/** Lets an answer end by itself, which keeps its connection for the next; one that does not is closed. */
export function discard(body: Readable): void {
  // The timer would keep the request too, which may be long.
  if (body.closed) return;
  body.on("error", () => {});
  body.resume();
  const timer = setTimeout(() => body.destroy(), END_MS);
  body.once("close", () => clearTimeout(timer));
}

/** Counts the bytes of the message that is arriving, and waits for the turn when they are no longer few. */
function holding({ large, signal }: Receiving) {
  let bytes = 0;
  let release: (() => void) | undefined;
  let stalled: NodeJS.Timeout | undefined;
  const giveBack = () => {
    release?.();
    release = undefined;
  };
  return {
    async grow(more: number): Promise<void> {
      clearTimeout(stalled);
      bytes += more;
      if (bytes > MAX_MESSAGE_BYTES) {
        const message = `the endpoint answered with more than ${MAX_MESSAGE_BYTES} bytes in one message`;
        throw new RefusedError("endpoint.failed", message, { hint: "ask for less at once" });
      }
      if (bytes > SMALL_BYTES) release ??= await large.take(signal);
    },
    keep(unfinished: number): void {
      clearTimeout(stalled);
      bytes = unfinished;
      if (bytes <= SMALL_BYTES) giveBack();
      else stalled = setTimeout(giveBack, STALLED_MS);
    },
  };
}

/** Takes the bytes of an answer, and gives the messages that they complete. */
type Messages = {
  add(chunk: Buffer): Buffer[];
  /** Bytes of the message that is not complete yet. */
  unfinished(): number;
  end(): Buffer[];
};

/** One message, which is the whole body. */
function whole(): Messages {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add: (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      return [];
    },
    unfinished: () => bytes,
    end: () => [chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks.splice(0))],
  };
}

/** A message in each event, as far as it is one of messages. */
const events = (): Messages => ({ ...makeEventReader(), end: () => [] });
