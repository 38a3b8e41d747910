import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { type DispatchError, RefusedError } from "../../contract/errors.ts";
import { MAX_CALL_BYTES } from "../../contract/limits.ts";
import { exchange, type Ways } from "./exchange.ts";
import { type Agreed, agreedHeaders, claimedVersion, fitsHeader, headersOf } from "./headers.ts";
import { type Line, linesOf } from "./lines.ts";
import { cancelledId, MalformedError, type Message, messageIn } from "./message.ts";
import type { Output } from "./output.ts";
import { malformedAnswer } from "./reply.ts";

/** What may be under way at once; beyond it no more is read until something has ended. */
const MAX_UNDER_WAY = { messages: 1000, bytes: 2 * MAX_CALL_BYTES };

const NOTHING = Buffer.from("[]");

type UnderWay = { message: Message; end: AbortController; done: Promise<void> };

/**
 * Messages of one client on its way to an endpoint, and what comes back. Each message is posted by itself, as soon as it is
 * read; only what follows an `initialize` waits for it, because it needs the version that it brings.
 */
export class Pipe {
  readonly #output: Output;
  readonly #ways: Ways;
  readonly #underWay = new Set<UnderWay>();
  readonly #agreed: Agreed = {};
  #initialized: Promise<void> = Promise.resolve();
  #isEnding = false;

  constructor(output: Output, ways: Ways) {
    this.#output = output;
    this.#ways = ways;
  }

  /** Reads messages until the input ends, or nobody reads the output. */
  async read(input: Readable): Promise<void> {
    const leave = () => input.destroy();
    this.#output.gone.addEventListener("abort", leave);
    try {
      for await (const line of linesOf(input, MAX_CALL_BYTES, this.#ways.passed)) {
        if (this.#isEnding) break;
        await this.#take(line);
        await this.#output.room();
        await this.#room();
      }
    } catch (error) {
      // The input was closed under our hands: an end like any other.
      this.#ways.log.debug("the input broke off", { error: String(error) });
    } finally {
      this.#output.gone.removeEventListener("abort", leave);
    }
  }

  /**
   * Takes nothing more, and waits for what is under way, but for streams that end with the client, and no longer than
   * `limitMs`.
   */
  async finish(limitMs: number): Promise<void> {
    this.#isEnding = true;
    const ended = new RefusedError("endpoint.closed", "the bridge has ended before the answer came", {
      hint: "it may have been carried out: look with list_tasks",
    });
    for (const { message, end } of this.#underWay) if (message.method === "subscriptions/listen") end.abort(ended);
    const timer = setTimeout(() => this.giveUp(ended), limitMs);
    const gone = () => this.giveUp();
    this.#output.gone.addEventListener("abort", gone);
    if (this.#output.gone.aborted) gone();
    while (this.#underWay.size > 0) await Promise.all([...this.#underWay].map(({ done }) => done));
    clearTimeout(timer);
    this.#output.gone.removeEventListener("abort", gone);
  }

  /** Ends all that is under way, and answers it with the reason, if there is one. */
  giveUp(reason?: DispatchError): void {
    for (const { end } of this.#underWay) end.abort(reason);
  }

  async #take(line: Line): Promise<void> {
    try {
      const message = messageIn(line, MAX_CALL_BYTES);
      if (!message) return;
      for (const refused of message.refused ?? []) await this.#output.send(malformedAnswer(refused));
      // Nothing is left of a batch.
      if (message.text.equals(NOTHING)) return;
      if (message.method === "notifications/cancelled") this.#cancel(message);
      // Since 2026-07-28 it is the end of the request that cancels it.
      if (message.method === "notifications/cancelled" && claimedVersion(message.params) !== undefined) return;
      const headers = headersOf(message);
      const isOlder = message.method !== "initialize" && claimedVersion(message.params) === undefined;
      // What was read of the params would be kept for as long as the message is under way.
      const { params: _, ...sent } = message;
      const { done } = this.#send(sent, () => (isOlder ? { ...headers, ...agreedHeaders(this.#agreed) } : headers));
      if (message.method === "initialize") this.#initialized = done;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      await this.#output.send(malformedAnswer(error));
    }
  }

  #send(message: Message, headers: () => Record<string, string>): UnderWay {
    const end = new AbortController();
    const underWay: UnderWay = { message, end, done: this.#exchange(message, headers, end.signal) };
    this.#underWay.add(underWay);
    void underWay.done.then(() => this.#underWay.delete(underWay));
    return underWay;
  }

  async #exchange(message: Message, headersNow: () => Record<string, string>, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      void this.#initialized.then(resolve);
    });
    const headers = headersNow();
    const agreed: Agreed = {};
    const asking = {
      headers,
      signal,
      onHeaders: (received: IncomingHttpHeaders) => {
        const sessionId = received["mcp-session-id"];
        if (typeof sessionId === "string") agreed.sessionId = sessionId;
      },
    };
    for await (const { text, answers } of exchange(message, asking, this.#ways)) {
      if (message.method === "initialize" && answers !== undefined) this.#agree(text, agreed);
      await this.#output.send(text);
    }
  }

  /** Takes over what the answer to an `initialize` says. */
  #agree(answer: Buffer, { sessionId }: Agreed): void {
    const { result } = JSON.parse(answer.toString()) as { result?: { protocolVersion?: unknown } };
    const version = result?.protocolVersion;
    if (typeof version !== "string" || !fitsHeader(version)) return;
    this.#agreed.version = version;
    if (sessionId === undefined) delete this.#agreed.sessionId;
    else this.#agreed.sessionId = sessionId;
  }

  #cancel(message: Message): void {
    const id = cancelledId(message);
    // The other requests of a batch want their answers.
    for (const {
      message: { ids },
      end,
    } of this.#underWay)
      if (ids.length === 1 && ids[0] === id) end.abort();
  }

  async #room(): Promise<void> {
    const isFull = () => {
      const bytes = [...this.#underWay].reduce((sum, { message }) => sum + message.text.length, 0);
      return this.#underWay.size >= MAX_UNDER_WAY.messages || bytes >= MAX_UNDER_WAY.bytes;
    };
    while (isFull()) await Promise.race([...this.#underWay].map(({ done }) => done));
  }
}
