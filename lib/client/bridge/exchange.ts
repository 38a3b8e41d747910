import { DispatchError, RefusedError } from "../../contract/errors.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Answer, Door } from "../http/door.ts";
import { answerLost, unreachable } from "../http/failure.ts";
import { Patience } from "../http/patience.ts";
import { post } from "../http/post.ts";
import { ConnectionFailure } from "../http/request.ts";
import type { Message } from "./message.ts";
import { discard, received } from "./received.ts";
import { errorAnswer, type Passed, passedOn } from "./reply.ts";
import type { Turn } from "./turn.ts";

/** What exchanges share. */
export type Ways = {
  /** The way to the endpoint. Throws DispatchError for one that cannot be. */
  open(): Door;
  /** Whose turn it is to have a large message. */
  large: Turn;
  /** Told of the bytes that pass. */
  passed(bytes: number): void;
  log: Logger;
};

export type Asking = {
  headers: Record<string, string>;
  /** An abort gives the message up; a DispatchError as its reason is what the requests in it are then answered with. */
  signal: AbortSignal;
  /** Told of the headers of an answer. */
  onHeaders(headers: Answer["headers"]): void;
};

/**
 * Posts a message; gives what comes back, for the client: in the order in which it came, and at the end an answer for every
 * request. One whose answer was lost is sent again where that is safe. It is over as soon as each request is answered, whether
 * the endpoint ends its stream or not. Never throws.
 */
export async function* exchange(message: Message, asking: Asking, ways: Ways): AsyncGenerator<Passed> {
  const { signal } = asking;
  const { log } = ways;
  const open = new Set(message.ids);
  const patience = new Patience();
  let mayHaveArrived = false;
  for (;;) {
    try {
      for await (const passed of attempt(message, { open, patience, mayHaveArrived, ...asking }, ways)) {
        if (passed.answers !== undefined) open.delete(passed.answers);
        yield passed;
        if (open.size === 0) return;
      }
      if (open.size === 0) return;
      throw new ConnectionFailure(new Error("the answer has ended before it was complete"), true);
    } catch (error) {
      if (open.size === 0) return log.info("a message was not taken", { method: message.method, error: textOf(error) });
      if (signal.aborted) return yield* refuse(open, () => signal.reason);
      log.debug("an answer did not come", { method: message.method, error: textOf(error) });
      mayHaveArrived ||= error instanceof ConnectionFailure;
      const mayRepeat = error instanceof ConnectionFailure && message.mayRepeat && !error.isSilence;
      if (mayRepeat && (await patience.pause({ signal }).catch(() => true))) continue;
      return yield* refuse(open, (id) => failureOf(error, message.keys.get(id), message, ways));
    }
  }
}

type Attempt = Asking & { open: ReadonlySet<string>; patience: Patience; mayHaveArrived: boolean };

async function* attempt(
  { text, mayRepeat, ids, keys }: Message,
  { headers, signal, onHeaders, open, patience, mayHaveArrived }: Attempt,
  { open: openDoor, large, passed, log }: Ways,
): AsyncGenerator<Passed> {
  const [key] = keys.values();
  const options = { signal, mayRepeat, key, mayHaveArrived, patience, log };
  const answer = await post(openDoor(), { headers, body: text }, options);
  onHeaders(answer.headers);
  if (ids.length > 0) {
    for await (const arrived of received(answer, { large, signal, passed })) yield* passedOn(arrived, open);
    return;
  }
  discard(answer.body);
  if (answer.status >= 400) throw new RefusedError("endpoint.failed", `HTTP status ${answer.status}`);
}

/** The answers to requests that got none from the endpoint; nobody waits for those that the client gave up. */
function* refuse(open: ReadonlySet<string>, reasonOf: (id: string) => unknown): Generator<Passed> {
  for (const id of open) {
    const reason = reasonOf(id);
    if (reason instanceof DispatchError) yield { text: errorAnswer(id, reason), answers: id };
  }
}

/** `key` is the idempotency key of the request that is answered so. */
function failureOf(
  error: unknown,
  key: string | undefined,
  { mayRepeat }: Message,
  { open, log }: Ways,
): DispatchError {
  // In a batch, each is told of its own.
  if (error instanceof DispatchError)
    return error.code === "endpoint.answer_lost" ? answerLost(open(), error, key) : error;
  if (error instanceof ConnectionFailure)
    return mayRepeat && key === undefined ? unreachable(open(), error) : answerLost(open(), error, key);
  log.error("the bridge failed", { error: error instanceof Error ? error.stack : String(error) });
  return new RefusedError("client.internal", "the bridge failed", { hint: "its standard error has the details" });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
