import type { Call, JobEnd, JobFile } from "../backends/adapter.ts";
import { type Problem, toProblem } from "../contract/errors.ts";
import {
  type Asked,
  type InputRequests,
  type InputResponses,
  questionText,
  readQuestions,
  requestsOf,
  uniqueKeys,
} from "../contract/input-requests.ts";
import { splitsPair } from "../contract/preview.ts";
import { toldAnswer } from "../contract/questions/responses.ts";
import type { Json } from "../contract/task.ts";
import {
  FIRST_WORKER_SEQUENCE,
  MAX_LOG_BYTES,
  MAX_LOG_CHUNK_BYTES,
  type PollReply,
  type WorkerEvent,
} from "../contract/worker.ts";
import { isOver } from "./invocation-gate.ts";

/** Longest piece of log in UTF-16 units: three bytes each at most. */
const CHUNK_LENGTH = Math.floor(MAX_LOG_CHUNK_BYTES / 3);
/** Log in one report, in UTF-16 units. */
const REPORT_LENGTH = 256 * 1024;

const LOG_IS_FULL = `\n[the rest of the log was not kept: a log has ${MAX_LOG_BYTES / 1024 / 1024} MB at most]\n`;

type LogEvent = WorkerEvent & { type: "task.log"; message: string; payload: { stream: string; truncated?: true } };
type QuestionEvent = WorkerEvent & { type: "task.input_required"; message: string; payload: Json };
type Question = {
  /** By its key as the task has it, with the name that the one who asked gave it. */
  asked: Map<string, Asked>;
  answers: [name: string, told: unknown][];
  reply(answers: Json | undefined): void;
};
type Ended = {
  status: "succeeded" | "failed" | "cancelled";
  result?: unknown;
  error?: Problem;
  envelope?: unknown;
  files?: readonly JobFile[];
};

/** A job whose worker is this process: what it has said so far, and how it ended, as a worker would report it. */
export class SynchronousJob {
  /** Resolves once the job has ended, in whichever way. */
  readonly over: Promise<void>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #breaking = new AbortController();
  readonly #events: (LogEvent | QuestionEvent)[] = [];
  #question: Question | undefined;
  readonly #keys = new Set<string>();
  #end: Ended | undefined;
  #isOpen = false;
  #reported = 0;
  #bytes = LOG_IS_FULL.length;
  #isFull = false;

  constructor() {
    this.over = this.#ended.promise;
  }

  /** Makes the call; what it throws is how the job ended. */
  begin(call: (call: Call) => Promise<JobEnd>): void {
    this.#isOpen = true;
    call({
      signal: this.#breaking.signal,
      log: (text, stream) => this.#log(text, stream),
      ask: (requests) => this.#ask(requests),
    }).then(
      (end) => this.#finish({ ...end, status: end.error ? "failed" : "succeeded" }, false),
      (error) => this.#finish({ status: "failed", error: toProblem(error) }, !isOver(error)),
    );
  }

  /** Whether the call was begun and no answer of its own ended it: what was sent may still reach the runtime. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Ends the job before its answer came; false when it had ended already. */
  breakOff(end: Ended): boolean {
    const isFirst = this.#finish(end);
    this.#breaking.abort();
    this.leaveUnanswered();
    return isFirst;
  }

  /** What is asked now. */
  get requests(): InputRequests {
    return requestsOf(this.#question?.asked ?? new Map());
  }

  /** Takes answers, by the keys of what is asked: the one who asked goes on once it has all. */
  hear(responses: InputResponses): void {
    const { asked, answers } = this.#question ?? {};
    for (const [key, response] of Object.entries(responses)) {
      const question = asked?.get(key);
      if (!asked || !answers || !question) continue;
      asked.delete(key);
      answers.push([question.name, toldAnswer(question, response)]);
      if (asked.size === 0) this.#reply(Object.fromEntries(answers));
    }
  }

  /** Tells the one who asked that nobody answered; false when nothing is asked. */
  leaveUnanswered(): boolean {
    return this.#reply(undefined);
  }

  /** What is new after that event; the end comes with the last of it. Asked again it is the same, and what was added. */
  report(after: number): PollReply & { envelope?: unknown; files?: readonly JobFile[] } {
    const from = Math.max(0, after + 1 - FIRST_WORKER_SEQUENCE);
    const events: (LogEvent | QuestionEvent)[] = [];
    let length = 0;
    for (const event of this.#events.slice(from)) {
      length += event.message.length;
      if (events.length > 0 && length > REPORT_LENGTH) break;
      events.push(event);
    }
    this.#reported = Math.max(this.#reported, from + events.length);
    const isAll = from + events.length >= this.#events.length;
    const end = isAll && this.#end ? { ...this.#end, artifacts: [] } : {};
    const asked = isAll && this.#question && this.requests;
    const asks = asked ? ({ status: "input_required", inputRequests: asked } as const) : {};
    return { status: "running", events, next: events.at(-1)?.sequence ?? after, ...asks, ...end };
  }

  #ask(requests: Json): Promise<Json | undefined> {
    if (this.#end) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Json | undefined>();
    const asked = uniqueKeys(readQuestions(requests), this.#keys);
    const payload = requestsOf(asked);
    this.#events.push({ ...this.#numbered(), type: "task.input_required", message: questionText(payload), payload });
    this.#question = { asked, answers: [], reply: resolve };
    return promise;
  }

  #reply(answers: Json | undefined): boolean {
    const question = this.#question;
    this.#question = undefined;
    question?.reply(answers);
    return question !== undefined;
  }

  #finish(end: Ended, isOpen = this.#isOpen): boolean {
    if (this.#end) return false;
    this.#end = end;
    this.#isOpen = isOpen;
    this.#ended.resolve();
    return true;
  }

  /** Adds text to the log; in place of the first that is more than a log may hold, and all after it, stands a notice. */
  #log(text: string, stream: "stdout" | "stderr"): void {
    if (this.#end || this.#isFull) return;
    this.#bytes += new TextEncoder().encode(text).length;
    this.#isFull = this.#bytes > MAX_LOG_BYTES;
    this.#add(this.#isFull ? LOG_IS_FULL : text, stream);
    const last = this.#events.at(-1);
    if (this.#isFull && last?.type === "task.log") last.payload.truncated = true;
  }

  /** Adds text in pieces that an event may hold. */
  #add(text: string, stream: "stdout" | "stderr"): void {
    for (let rest = text; rest !== ""; ) {
      const event = this.#openEvent(stream);
      const room = CHUNK_LENGTH - event.message.length;
      const piece = rest.slice(0, splitsPair(rest, room) ? room - 1 : room);
      event.message += piece;
      rest = rest.slice(piece.length);
    }
  }

  /** The last piece, while nobody has seen it and a character still fits in; else a new one. */
  #openEvent(stream: "stdout" | "stderr"): LogEvent {
    const last = this.#events.at(-1);
    const isSeen = this.#events.length <= this.#reported;
    const isSame = last?.type === "task.log" && last.payload.stream === stream;
    if (isSame && !isSeen && last.message.length + 2 <= CHUNK_LENGTH) return last;
    const event: LogEvent = { ...this.#numbered(), type: "task.log", message: "", payload: { stream } };
    this.#events.push(event);
    return event;
  }

  #numbered() {
    return { sequence: FIRST_WORKER_SEQUENCE + this.#events.length, timestamp: new Date().toISOString() };
  }
}
