import { createHash } from "node:crypto";
import { RefusedError, toProblem } from "../../lib/contract/errors.ts";
import { MAX_TIMEOUT_SECONDS } from "../../lib/contract/limits.ts";
import { buildPrompt } from "../../lib/contract/prompt.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import type { Job } from "../job.ts";
import type { JobTask, Outcome } from "../runner.ts";
import { Turn } from "./turn.ts";

/** What a protocol's client says to an agent, and how it wants it done. */
export type Message = {
  text: string;
  /** Messages of one context go on with one another. */
  contextId: string;
  /** What the agent is to know besides. */
  context?: Record<string, unknown> | undefined;
  framework?: string | undefined;
  model?: string | Record<string, unknown> | undefined;
  runtimeTools?: Record<string, unknown> | undefined;
  /** Of the client, for the agent. */
  metadata?: Record<string, unknown> | undefined;
  timeoutSeconds?: number | undefined;
};

const GRACE_SECONDS = 5;
const MAX_WAITING = 100;
/** Contexts of which it is known where their agent stands. */
const MAX_CONTEXTS = 200;

type Setup = {
  /** The framework of a message that names none. */
  framework: string | undefined;
  /** Throws RetryableError once the session has ended. */
  start(task: JobTask, turn: Turn): Job;
  /** Nothing runs or waits any more; the last turn whose end somebody may want to know ended then. */
  idle(endedAt: number): void;
};

/**
 * What a session without a task of the control plane does: each message is a job, one after the other. One that asks lets
 * the others pass.
 */
export class Conversations {
  readonly #setup: Setup;
  readonly #jobs = new Set<Job>();
  readonly #sessions = new Map<string, NonNullable<Outcome["session"]>>();
  #waiting = 0;
  #endedAt = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  get isBusy(): boolean {
    return this.#jobs.size > 0 || this.#waiting > 0;
  }

  /** Throws RefusedError `worker.busy` when too many wait. */
  begin(message: Message): Turn {
    if (this.#waiting >= MAX_WAITING)
      throw new RefusedError("worker.busy", `${MAX_WAITING} messages wait for the agent already`);
    const turn = new Turn();
    this.#waiting += 1;
    this.#last = this.#last.then(() => this.#run(message, turn));
    return turn;
  }

  /** Resolves when the turn has ended, or asks. */
  async #run(message: Message, turn: Turn): Promise<void> {
    this.#waiting -= 1;
    if (turn.isCancelled) return;
    try {
      this.#start(message, turn);
      await turn.state();
    } catch (error) {
      turn.end({ status: "failed", outcome: { error: toProblem(error) }, files: [] });
    }
  }

  /** Every job that runs. */
  get jobs(): readonly Job[] {
    return [...this.#jobs];
  }

  #start(message: Message, turn: Turn): void {
    const job = this.#setup.start(this.#taskOf(message), turn);
    this.#jobs.add(job);
    void job.done
      .then(() => {
        const { session } = job.outcome;
        if (session) this.#remember(message.contextId, session);
        return job.dispose();
      })
      .finally(() => {
        this.#jobs.delete(job);
        if (!turn.isCancelled) this.#endedAt = turn.endedAt;
        if (!this.isBusy) this.#setup.idle(this.#endedAt);
      });
  }

  #taskOf({ text, contextId, context, metadata, timeoutSeconds, ...wishes }: Message): JobTask {
    const session = this.#sessions.get(contextId);
    const { framework = this.#setup.framework, model, runtimeTools } = wishes;
    return {
      taskId: newTaskId(),
      taskType: "agent.run",
      prompt: context ? buildPrompt({ context, instruction: text }) : text,
      input: {
        instruction: text,
        ...(framework !== undefined && { framework }),
        ...(model !== undefined && { model }),
        ...(runtimeTools && { runtime_tools: runtimeTools }),
      },
      ...(context && { context }),
      ...(metadata && { metadata }),
      limits: {
        timeoutSeconds: Math.min(timeoutSeconds ?? MAX_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS),
        graceSeconds: GRACE_SECONDS,
      },
      depth: 0,
      conversation: { id: conversationOf(contextId), ...(session && { session }) },
    };
  }

  #remember(contextId: string, session: NonNullable<Outcome["session"]>): void {
    this.#sessions.delete(contextId);
    this.#sessions.set(contextId, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_CONTEXTS && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/** A context may have any name. */
const conversationOf = (contextId: string): string =>
  `conv_${createHash("sha256").update(contextId).digest("hex").slice(0, 32)}`;
