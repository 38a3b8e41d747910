import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { TASK_HEADER } from "../../contract/tokens/task-token.ts";
import type { Door, Outgoing, Post, Posted, Refusal, Refused, Remembered } from "./door.ts";
import { answerLost, unreachable } from "./failure.ts";
import { throughTrace } from "./outgoing.ts";
import { Patience, retryAfterMs } from "./patience.ts";
import { readAnswer } from "./read-answer.ts";
import { ConnectionFailure, type RequestOptions, request } from "./request.ts";

/** How long to try an endpoint that never answered: its address may be wrong, and somebody waits to be told so. */
const FIRST_PATIENCE_MS = 2500;
/** Doors whose endpoint has answered. */
const reached = new WeakSet<Door>();

/** See `Post`. */
export const post: Post = async (door, posted, options) => {
  const { signal, mayRepeat, key, log, patience = new Patience() } = options;
  let { mayHaveArrived = false } = options;
  const renewed = new Set<Remembered>();
  const renew = async (what: Remembered, refused: Refused): Promise<boolean> => {
    if (renewed.has(what)) return false;
    renewed.add(what);
    return door.renew(what, refused);
  };
  const pause = (reason: DispatchError, limits: { atLeastMs?: number; limitMs?: number } = {}) => {
    log?.debug("trying again", { code: reason.code, reason: reason.message });
    return patience.pause({ ...limits, signal });
  };

  /** Whether to try once more after a connection that failed; throws when not. */
  async function afterFailure(failure: ConnectionFailure): Promise<true> {
    mayHaveArrived ||= failure.sent;
    if (failure.sent && !mayRepeat) throw answerLost(door, failure);
    const error = unreachable(door, failure);
    if (!failure.sent && (await renew("address", { url }))) return true;
    const limits = failure.sent || reached.has(door) ? {} : { limitMs: FIRST_PATIENCE_MS };
    if (error.retryable && !failure.isSilence && (await pause(error, limits))) return true;
    throw error;
  }

  async function afterRefusal(refusal: Refusal, opening: Record<string, string>): Promise<true> {
    const { status, headers } = refusal;
    const error = door.explain(refusal);
    if (error.code === "endpoint.unauthenticated" && (await renew("key", { opening }))) return true;
    // Whoever refuses may be another's: an address is given away again, and a stack may be made anew.
    if ((status === 404 || status === 403) && (await renew("address", { url }))) return true;
    if (error.code !== "endpoint.busy") throw error;
    // A gateway says so too when it has passed the request on, and got no answer.
    const isLost = status === 502 || status === 504;
    mayHaveArrived ||= isLost;
    if (!mayRepeat) throw isLost ? answerLost(door, error) : error;
    if (await pause(error, { atLeastMs: retryAfterMs(headers["retry-after"]) })) return true;
    throw error;
  }

  /** Whether a connection has failed and there is to be one more try; throws when there is none. */
  async function afterError(error: unknown): Promise<boolean> {
    if (error instanceof ConnectionFailure) return afterFailure(error);
    // A local system that was there comes back at another address.
    const isAway = lost && error instanceof DispatchError && error.code === "local.not_running";
    if (isAway && (await pause(error))) return true;
    throw error;
  }

  /** What to throw when it is given up: under another key, the same call would be carried out twice. */
  const givenUp = (error: unknown): unknown =>
    key !== undefined && mayHaveArrived && error instanceof DispatchError ? answerLost(door, error, key) : error;

  let lost = false;
  let url: URL | undefined;
  for (;;) {
    try {
      signal?.throwIfAborted();
      url = await unlessAborted(door.locate(), signal);
      const { answer, opening } = await send(door, url, posted, { signal, mayShare: mayRepeat });
      const read = await readAnswer(answer);
      reached.add(door);
      if ("body" in read) return read;
      await afterRefusal({ ...read, text: without(opening, read.text) }, opening);
    } catch (error) {
      if (signal?.aborted) throw new RefusedError("endpoint.closed", "the call was given up", { cause: error });
      lost = await afterError(error).catch((reason) => {
        throw signal?.aborted ? reason : givenUp(reason);
      });
    }
  }
};

async function send(door: Door, url: URL, { headers, body }: Posted, options: RequestOptions) {
  const outgoing: Outgoing = { method: "POST", url, headers, body };
  const opening = await unlessAborted(door.authorize(outgoing), options.signal);
  // Unsigned: what is on the way may put its own span into it.
  const answer = await request({ ...outgoing, headers: { ...headers, ...throughTrace(), ...opening } }, options);
  return { answer, opening };
}

/** What others may need too goes on when one gives up. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A gateway may show the request that it refuses, with what was to open the door. */
const without = (opening: Record<string, string>, text: string): string =>
  ["authorization", "x-amz-security-token", TASK_HEADER]
    .map((name) => opening[name])
    .reduce<string>((left, secret) => (secret ? left.replaceAll(secret, "(hidden)") : left), text);
