import { RefusedError, RetryableError } from "../../lib/contract/errors.ts";
import { traceIdOf } from "../../lib/contract/observation/trace.ts";
import { Uploads } from "../artifacts/uploads.ts";
import type { SessionConfig } from "../config.ts";
import { Job } from "../job.ts";
import { type JobFolder, makeJobFolder, removeJobFolder } from "../job-folder.ts";
import type { PipePool } from "../processes/pipes.ts";
import { tell } from "../report.ts";
import { runAgent } from "../run-agent.ts";
import { runCommand } from "../run-command.ts";
import type { JobTask } from "../runner.ts";
import { Conversations, type Message } from "../turns/conversations.ts";
import type { Turn } from "../turns/turn.ts";
import { makeBootId } from "./boot-id.ts";
import { withGiven } from "./given.ts";
import { Health } from "./health.ts";

type SessionSetup = { config: SessionConfig; pipes: PipePool; uncollectedSeconds: number };

/** The place that one task has to itself: its boot, its job, and what is known of both. */
export class Session {
  readonly config: SessionConfig;
  readonly health: Health;
  readonly #pipes: PipePool;
  #bootId: string | undefined;
  #job: Job | undefined;
  #isPlain = false;
  #uploads: Uploads | undefined;
  #folder: Promise<JobFolder> | undefined;
  #usedAt = performance.now();
  #heardAt = 0;
  #isClosed = false;
  readonly #conversations: Conversations;

  constructor({ config, pipes, uncollectedSeconds }: SessionSetup) {
    this.config = config;
    this.#pipes = pipes;
    this.health = new Health(uncollectedSeconds);
    this.#conversations = new Conversations({
      framework: config.framework,
      start: (task, turn) => this.#run(task, turn),
      idle: (endedAt) => (this.#heardAt >= endedAt ? this.health.taskCollected() : this.health.taskEnded()),
    });
  }

  /** Made when first asked for, not before: what exists at a snapshot would be the same on every machine. */
  get bootId(): string {
    this.#bootId ??= makeBootId();
    return this.#bootId;
  }

  /** Makes the folders of the first task ahead of time. If that fails, the task tries again. */
  prepare(): void {
    this.#folder = makeJobFolder(this.config);
    this.#folder.catch(() => {
      this.#folder = undefined;
    });
  }

  /** Somebody uses this session. */
  touch(): void {
    this.#usedAt = performance.now();
  }

  /** Milliseconds, while awake, for which there was nothing to stay for: never while the session says that it is busy. */
  get idleMs(): number {
    return Math.min(this.health.idleMs, performance.now() - this.#usedAt);
  }

  /** Starts the task of this boot. The same one again changes nothing; another one is refused. */
  start(task: JobTask): Job {
    if (this.#job?.task.taskId === task.taskId) return this.#job;
    if (this.#job || this.#conversations.isBusy) throw busy();
    return this.#start(task);
  }

  /** Runs a task that is answered at once and leaves nothing to ask for, so that others may follow it. */
  startPlain(task: JobTask): Job {
    if ((this.#job && !(this.#isPlain && this.#job.hasEnded)) || this.#conversations.isBusy) throw busy();
    this.#isPlain = true;
    return this.#start(task);
  }

  /**
   * Says something to the agent of this session: the one at work on its task, or one that is started for it. Throws
   * RefusedError `task.terminal`, `worker.busy`, `adapter.unsupported`.
   */
  async say(message: Message): Promise<Turn> {
    if (this.#isClosed) throw new RetryableError("worker.unknown_session", "the session has ended");
    if (this.task) return this.task.say(message.text);
    if (this.#job && !this.#job.hasEnded) throw busy();
    return this.#conversations.begin(message);
  }

  /** The task that the control plane gave it. */
  get task(): Job | undefined {
    return this.#isPlain ? undefined : this.#job;
  }

  /** A client of a protocol was answered: it has been told how what it asked for stands. */
  heard(): void {
    this.#heardAt = performance.now();
    if (!this.task && !this.#conversations.isBusy) this.health.taskCollected();
  }

  /** The task with this id. */
  job(taskId: string): Job {
    if (this.#job?.task.taskId === taskId) return this.#job;
    throw new RefusedError("worker.unknown_task", `this worker does not run ${taskId}`);
  }

  uploads(job: Job): Uploads {
    this.#uploads ??= new Uploads(job.artifacts?.files ?? new Map());
    return this.#uploads;
  }

  /** An error that nothing caught belongs to the task, if one runs. */
  crash(error: unknown): void {
    this.#job?.crash(error);
    for (const job of this.#conversations.jobs) job.crash(error);
  }

  /** Ends the task with all its processes, and removes its files. Resolves once nothing of it runs, or can be started. */
  async close(graceSeconds: number): Promise<void> {
    this.#isClosed = true;
    const jobs = [...(this.#job ? [this.#job] : []), ...this.#conversations.jobs];
    for (const job of jobs) job.cancel(graceSeconds);
    await Promise.all(jobs.map(({ done }) => done));
    this.health.close();
    await Promise.all(jobs.map((job) => job.dispose()));
    const unused = await this.#folder?.catch(() => undefined);
    if (unused) await removeJobFolder(unused);
  }

  #start(task: JobTask): Job {
    this.#job = this.#run(task);
    return this.#job;
  }

  #run(task: JobTask, turn?: Turn): Job {
    // A request can name the session before its end, and arrive whole after it.
    if (this.#isClosed) throw new RetryableError("worker.unknown_session", "the session has ended");
    const folder = this.#folder;
    this.#folder = undefined;
    const runner = task.taskType === "command.run" ? runCommand : runAgent;
    this.health.taskStarted();
    const startedAtMs = performance.now();
    const facts = { taskId: task.taskId, ...(task.traceparent && { traceId: traceIdOf(task.traceparent) }) };
    tell("a task started", facts);
    const job = new Job({
      task,
      config: withGiven(this.config, task.given),
      pipes: this.#pipes,
      runner,
      ...(folder && { folder }),
      ...(turn && { turn }),
    });
    void job.done.then(() => {
      const { code } = job.outcome.error ?? {};
      const ms = Math.round(performance.now() - startedAtMs);
      tell("a task ended", { ...facts, status: job.status, ...(code !== undefined && { code }), ms });
      if (!turn) this.health.taskEnded();
    });
    return job;
  }
}

const busy = () =>
  new RefusedError("worker.busy", "this worker has its task already; another task needs a session of its own");
