import { createHash } from "node:crypto";
import * as z from "zod";
import type { Json } from "../../lib/contract/task.ts";
import {
  FIRST_WORKER_SEQUENCE,
  type PollReply,
  type StartOperation,
  type WorkerEvent,
} from "../../lib/contract/worker.ts";

/** What a job of these runs does, written into the command that it is dispatched with. */
export const planSchema = z.object({
  name: z.string(),
  seconds: z.number(),
  lines: z.number(),
  asks: z.number(),
  files: z.number(),
  /** How it ends by itself. */
  end: z.enum(["succeeded", "failed"]),
  /** What its agent says that it has cost. */
  usd: z.number().exactOptional(),
  /** What its agent answers with besides. */
  says: z.string().exactOptional(),
});
export type JobPlan = z.infer<typeof planSchema>;

/** The JSON of a plan, of what a job is given: of those in a talk the last, which is what the other one has said. */
export const planText = (text: string): string => text.split("\n").findLast((line) => line.startsWith("{")) ?? "";

export type JobEnd = "succeeded" | "failed" | "cancelled" | "timed out" | "unanswered" | "killed";

/** What became of a job, whoever has heard of it: each start is one of these. */
export type JobFact = {
  taskId: string;
  plan: JobPlan;
  machine: string;
  startedAtMs: number;
  end?: JobEnd;
  endedAtMs?: number;
  log: string;
};

type Reply = Omit<PollReply, "events" | "next">;

const EXIT_CODE = { code: "task.exit_code", message: "the job ended with code 1", retryable: false } as const;
const TIMEOUT = { code: "task.timeout", message: "the job was stopped at its deadline", retryable: false } as const;
const UNANSWERED = { code: "task.input_timeout", message: "nobody answered", retryable: false } as const;

export const linesOf = ({ name, lines }: JobPlan): string[] =>
  Array.from({ length: lines }, (_, line) => `${name} says ${line}\n`);
const resultOf = ({ name, says }: JobPlan, taskId: string): Json => ({
  ran: taskId,
  name,
  ...(says !== undefined && { output: says }),
});
export const answerOf = ({ name }: JobPlan, ask: number): string => `answer ${ask} for ${name}`;

/** The text that a file of a job holds. */
const fileOf = ({ name }: JobPlan, file: number): string => `file ${file} of ${name}`;

/** A job at work, as a worker of ours runs it: events with numbers, questions that wait, an end. */
export class RunningJob {
  readonly fact: JobFact;
  readonly #asked: StartOperation;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #startedAtMs = Date.now();
  readonly #events: WorkerEvent[] = [];
  #question: { key: string; payload: Json; answer: (text: string) => void } | undefined;
  #reply: Reply = { status: "running" };
  #isOver = false;
  #waiting: (() => void)[] = [];
  readonly #answered = new Map<string, string>();

  constructor(fact: JobFact, asked: StartOperation, sleep: (ms: number) => Promise<void>) {
    this.fact = fact;
    this.#asked = asked;
    this.#sleep = sleep;
    void this.#run();
    void this.#endAt(asked.limits.timeoutSeconds * 1000, "timed out");
  }

  async #run(): Promise<void> {
    const { plan } = this.fact;
    const parts = plan.asks + 1;
    const lines = linesOf(plan);
    for (let part = 0; part < parts; part++) {
      for (const line of lines.slice((part * lines.length) / parts, ((part + 1) * lines.length) / parts))
        this.#log(line);
      await this.#sleep((plan.seconds * 1000) / parts);
      if (this.#isOver) return;
      if (part < plan.asks && !(await this.#ask(part))) return;
    }
    this.#end(plan.end);
  }

  async #ask(part: number): Promise<boolean> {
    const key = `question-${part}`;
    const { promise, resolve } = Promise.withResolvers<string>();
    const payload = { [key]: { message: `${this.fact.plan.name} asks ${part}` } };
    this.#question = { key, payload, answer: resolve };
    this.#reply = { status: "input_required", inputRequests: payload };
    this.#add({ type: "task.input_required", payload });
    const { answerSeconds } = this.#asked.limits;
    if (answerSeconds !== undefined) void this.#giveUp(key, answerSeconds * 1000);
    const answer = await promise;
    if (this.#isOver) return false;
    this.#reply = { status: "running" };
    this.#log(`heard ${answer}\n`);
    return true;
  }

  async #giveUp(key: string, ms: number): Promise<void> {
    await this.#sleep(ms);
    if (this.#question?.key === key) this.#end("unanswered");
  }

  async #endAt(ms: number, end: JobEnd): Promise<void> {
    await this.#sleep(ms);
    this.#end(end);
  }

  /** Ends it from outside, or by itself; false when it had ended. */
  #end(end: JobEnd): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#question = undefined;
    Object.assign(this.fact, { end, endedAtMs: Date.now() });
    const { plan, taskId } = this.fact;
    const artifacts = Array.from({ length: plan.files }, (_, file) => artifactOf(plan, file));
    if (end === "succeeded") this.#reply = { status: "succeeded", result: resultOf(plan, taskId), artifacts };
    else if (end === "cancelled") this.#reply = { status: "cancelled", artifacts: [] };
    else
      this.#reply = {
        status: "failed",
        error: { failed: EXIT_CODE, "timed out": TIMEOUT, unanswered: UNANSWERED, killed: EXIT_CODE }[end],
        artifacts,
      };
    if (plan.usd !== undefined) this.#reply = { ...this.#reply, usage: { costUsd: plan.usd } };
    this.#wake();
    return true;
  }

  cancel(graceSeconds: number): void {
    void this.#endAt(Math.min(graceSeconds, 1) * 1000, "cancelled");
  }

  /** Its machine is gone, and it with that. */
  kill(): void {
    if (!this.#isOver) Object.assign(this.fact, { end: "killed", endedAtMs: Date.now() });
    this.#isOver = true;
    this.#wake();
  }

  get status(): PollReply["status"] {
    return this.#reply.status;
  }

  hear(responses: Json): boolean {
    for (const [key, response] of Object.entries(responses)) {
      const text = String((response as { content?: { answer?: unknown } }).content?.answer);
      if (this.#answered.has(key)) continue;
      if (this.#question?.key !== key) return false;
      this.#answered.set(key, text);
      this.#question.answer(text);
      this.#question = undefined;
    }
    return true;
  }

  async poll(after: number, waitSeconds: number): Promise<PollReply> {
    const isNew = () => this.#isOver || (this.#events.at(-1)?.sequence ?? 0) > after;
    if (!isNew() && waitSeconds > 0) {
      const news = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await Promise.race([news, this.#sleep(waitSeconds * 1000)]);
    }
    const events = this.#events.filter(({ sequence }) => sequence > after).slice(0, 20);
    const next = events.at(-1)?.sequence ?? after;
    const isAll = next >= (this.#events.at(-1)?.sequence ?? next);
    const reply: Reply = isAll ? this.#reply : { status: "running" };
    return { ...reply, events, next, elapsedSeconds: (Date.now() - this.#startedAtMs) / 1000 };
  }

  #log(message: string): void {
    this.fact.log += message;
    this.#add({ type: "task.log", message, payload: { stream: "stdout" } });
  }

  #add(event: Pick<WorkerEvent, "type" | "message" | "payload">): void {
    const sequence = FIRST_WORKER_SEQUENCE + this.#events.length;
    this.#events.push({ sequence, timestamp: new Date().toISOString(), ...event });
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function artifactOf(plan: JobPlan, file: number) {
  const text = fileOf(plan, file);
  return {
    id: `file-${file}`,
    name: `${file}.txt`,
    sizeBytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
    contentType: "text/plain",
  };
}
