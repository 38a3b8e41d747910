import { type Problem, RetryableError } from "../../../../contract/errors.ts";
import { isObject } from "../../../../contract/json.ts";
import { MAX_REPLY_BYTES } from "../../../../contract/limits.ts";
import type { JobEnd } from "../../../adapter.ts";
import { agentAsks, agentFailed, brokenOff, reportedFailure } from "./problem.ts";

type StreamEvent = { event?: string | undefined; data: string };

/** Text that belongs to one answer, in UTF-16 units. */
/** Ends the streams of some model APIs, which agents pass on. */
const SENTINEL = "[DONE]";

/**
 * What a stream of events amounts to. Pieces of text are one text: npm's bedrock-agentcore sends them as they are, Python's
 * as JSON; pieces of a model's or an AG-UI agent's message are told by their shape. Of other values the last is the answer.
 * An agent that throws ends its stream with `event: error` (npm) or `{error, error_type}` (Python), an AG-UI run with
 * RUN_ERROR.
 * https://docs.ag-ui.com/concepts/events
 */
export class StreamedAnswer {
  readonly #mustFinish: boolean;
  #count = 0;
  #last: unknown;
  #failure: Problem | undefined;
  /** What the last event reports; whatever comes after it was not the end. */
  #reported: Problem | undefined;
  /** Of a run of AG-UI. */
  #isOpen = false;
  #finished: Record<string, unknown> | undefined;
  /** Pieces of messages; all data as it came, because a piece of text may read as JSON; and what is text in JSON. */
  #message = "";
  #raw = "";
  #text = "";
  /** What came with the last event, if that reports a failure: text as it came only when something follows. */
  #held = "";
  #endsInObject = false;
  #hasRaw = false;
  #hasText = false;

  /** With `mustFinish` it is an answer of AG-UI, which says that it is over. */
  constructor({ mustFinish = false } = {}) {
    this.#mustFinish = mustFinish;
  }

  /** Throws RetryableError `worker.contract_broken` when there is too much text. */
  add({ event, data }: StreamEvent): void {
    if (data === SENTINEL) return;
    this.#count += 1;
    const value = parsed(data);
    this.#last = value === undefined ? data : value;
    this.#reported = event === "error" ? undefined : reportedFailure(value);
    if (event === "error") this.#failure ??= agentFailed(this.#last);
    else this.#addRaw(data);
    if (event === "error" || this.#reported) return;
    this.#endsInObject = isObject(value);
    if (isObject(value)) this.#addObject(value);
    else this.#addText(value);
    if ((this.#hasRaw ? this.#raw : this.#text).length + this.#message.length > MAX_REPLY_BYTES)
      throw new RetryableError("worker.contract_broken", "the agent's answer is too long");
  }

  /** How the job ended; the text that came before a failure is kept as its result. */
  end(): JobEnd {
    if (this.#count === 0) return { error: brokenOff("the stream of the agent ended without an event") };
    const error = this.#failure ?? this.#reported ?? this.#unfinished();
    const result = this.#result();
    return { ...(result !== undefined && { result }), ...(error && { error }) };
  }

  #addObject(value: Record<string, unknown>): void {
    const piece = pieceOf(value);
    if (value.type === "TEXT_MESSAGE_START" && this.#message !== "") this.#message += "\n\n";
    if (piece !== undefined) this.#message += piece;
    if (value.type === "RUN_STARTED") this.#isOpen = true;
    if (value.type === "RUN_FINISHED") this.#finished = value;
    if (value.type === "RUN_ERROR") this.#failure ??= agentFailed(value);
  }

  /** Events that are no text may come to more than is kept of them. */
  #addRaw(data: string): void {
    if (this.#raw.length <= MAX_REPLY_BYTES) this.#raw += this.#held + (this.#reported ? "" : data);
    this.#held = this.#reported ? data : "";
  }

  #addText(value: unknown): void {
    if (value === undefined) this.#hasRaw = true;
    else if (typeof value === "string") this.#hasText = true;
    this.#text += String(value);
  }

  #result(): unknown {
    const { result } = this.#finished ?? {};
    if (result !== undefined && result !== null) return result;
    if (this.#message !== "") return this.#message;
    if (this.#hasRaw) return this.#raw;
    if (this.#endsInObject) return this.#isOpen ? undefined : this.#last;
    return this.#hasText ? this.#text : this.#last;
  }

  #unfinished(): Problem | undefined {
    if (!this.#finished)
      return this.#mustFinish || this.#isOpen
        ? brokenOff("the run of the agent ended without RUN_FINISHED")
        : undefined;
    const { outcome } = this.#finished;
    if (!isObject(outcome)) return undefined;
    if (outcome.type === "cancelled") return agentFailed("its run", "task.agent_cancelled", "cancelled");
    if (outcome.type !== "interrupt") return undefined;
    return agentAsks(Array.isArray(outcome.interrupts) ? outcome.interrupts[0] : undefined);
  }
}

/** The text in a piece of a message: AG-UI's, Bedrock's as Strands for Python passes it on, and Strands' for TypeScript. */
function pieceOf({ type, delta, event }: Record<string, unknown>): string | undefined {
  if (type === "TEXT_MESSAGE_CONTENT" || type === "TEXT_MESSAGE_CHUNK") return textIn(delta);
  if (!isObject(event)) return undefined;
  const { contentBlockDelta, delta: ofStrands } = event;
  return isObject(contentBlockDelta) ? textIn(contentBlockDelta.delta) : textIn(ofStrands);
}

function textIn(delta: unknown): string | undefined {
  if (typeof delta === "string") return delta;
  return isObject(delta) && typeof delta.text === "string" ? delta.text : undefined;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
