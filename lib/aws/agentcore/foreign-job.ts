import { setTimeout as sleep } from "node:timers/promises";
import { type Problem, toProblem } from "../../domain/errors.ts";
import {
  FIRST_WORKER_SEQUENCE,
  MAX_LOG_BYTES,
  MAX_LOG_CHUNK_BYTES,
  type PollReply,
  type StartOperation,
  type WorkerEvent,
} from "../../domain/worker-contract.ts";

/** An answer that takes longer is cut off by AgentCore: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html */
const MAX_SECONDS = 3600;
/** Longest piece of log in UTF-16 units: three bytes each at most. */
const CHUNK_LENGTH = Math.floor(MAX_LOG_CHUNK_BYTES / 3);

/** How a job on a foreign runtime ended, in the words of the contract. */
export type ForeignEnd = { result?: unknown; error?: Problem };

/** A job whose worker is this process: what it has reported so far, and how it ended. */
export class ForeignJob {
  readonly signal: AbortSignal;
  readonly #cancelling = new AbortController();
  readonly #events: WorkerEvent[] = [];
  #end: (ForeignEnd & { status: "succeeded" | "failed" | "cancelled" }) | undefined;
  #logged = 0;
  #news = Promise.withResolvers<void>();

  constructor({ limits }: StartOperation, run: (job: ForeignJob) => Promise<ForeignEnd>) {
    const seconds = Math.min(limits.timeoutSeconds, MAX_SECONDS);
    const timeout = AbortSignal.timeout(seconds * 1000);
    this.signal = AbortSignal.any([timeout, this.#cancelling.signal]);
    run(this)
      .catch((error: unknown) => ({ error: toProblem(error) }))
      .then((end: ForeignEnd) => {
        if (this.#cancelling.signal.aborted) this.#end = { status: "cancelled" };
        else if (timeout.aborted) this.#end = { status: "failed", error: timedOut(seconds) };
        else this.#end = { ...end, status: end.error ? "failed" : "succeeded" };
        this.#tell();
      });
  }

  /** Adds text to the log, in pieces that an event may hold; what is more than a log may hold is left out. */
  log(text: string, stream: "stdout" | "stderr"): void {
    this.#logged += Buffer.byteLength(text);
    if (this.#logged > MAX_LOG_BYTES) return;
    for (let from = 0; from < text.length; ) {
      const to = from + CHUNK_LENGTH;
      const isSplit = to < text.length && /[\uD800-\uDBFF]/.test(text[to - 1] ?? "");
      const piece = text.slice(from, isSplit ? to - 1 : to);
      from += piece.length;
      this.#events.push({
        sequence: FIRST_WORKER_SEQUENCE + this.#events.length,
        type: "task.log",
        timestamp: new Date().toISOString(),
        message: piece,
        payload: { stream },
      });
    }
    this.#tell();
  }

  cancel(): void {
    this.#cancelling.abort();
  }

  /** What is new after that event; waits for it when there is nothing. */
  async poll({ after, waitSeconds, maxBytes }: { after: number; waitSeconds: number; maxBytes: number }) {
    const from = Math.max(0, after + 1 - FIRST_WORKER_SEQUENCE);
    const until = performance.now() + waitSeconds * 1000;
    while (!this.#end && this.#events.length <= from && performance.now() < until)
      await Promise.race([this.#news.promise, sleep(until - performance.now(), undefined, { ref: false })]);
    const events: WorkerEvent[] = [];
    let size = 0;
    for (const event of this.#events.slice(from)) {
      size += (event.message?.length ?? 0) * 3 + 300;
      if (events.length > 0 && size > maxBytes) break;
      events.push(event);
    }
    const isAll = from + events.length >= this.#events.length;
    const end = isAll && this.#end ? { ...this.#end, artifacts: [] } : {};
    return { status: "running", events, next: events.at(-1)?.sequence ?? after, ...end } satisfies PollReply;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

const timedOut = (seconds: number): Problem => ({
  code: "task.timeout",
  message: `the runtime did not answer within ${seconds} s`,
  retryable: false,
});
