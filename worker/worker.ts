import { RefusedError } from "../lib/contract/errors.ts";
import { Uploads } from "./artifacts/uploads.ts";
import { makeBootId } from "./boot-id.ts";
import type { WorkerConfig } from "./config.ts";
import { Health } from "./health.ts";
import { Job } from "./job.ts";
import { type JobFolder, makeJobFolder, removeJobFolder } from "./job-folder.ts";
import { runAgent } from "./run-agent.ts";
import { runCommand } from "./run-command.ts";
import type { JobTask } from "./runner.ts";

/** All that a worker remembers: its boot, and its one task. */
export class Worker {
  readonly config: WorkerConfig;
  readonly health: Health;
  #bootId: string | undefined;
  #job: Job | undefined;
  #isPlain = false;
  #uploads: Uploads | undefined;
  #folder: Promise<JobFolder> | undefined;
  #startedAt = performance.now();
  #usedAt = performance.now();

  constructor(config: WorkerConfig) {
    this.config = config;
    this.health = new Health(config.uncollectedSeconds);
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

  /** Somebody uses this worker. */
  touch(): void {
    this.#usedAt = performance.now();
  }

  /** Starts the task of this boot. The same one again changes nothing; another one is refused. */
  start(task: JobTask): Job {
    if (this.#job?.task.taskId === task.taskId) return this.#job;
    if (this.#job) throw busy();
    return this.#start(task);
  }

  /** Runs a task that is answered at once and leaves nothing to ask for, so that others may follow it. */
  startPlain(task: JobTask): Job {
    if (this.#job && !(this.#isPlain && this.#job.hasEnded)) throw busy();
    this.#isPlain = true;
    return this.#start(task);
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

  /** Why this worker should exit now, if it should: never while it says that it is busy. The times are those awake. */
  get exitReason(): string | undefined {
    const now = performance.now();
    const idleMs = Math.min(this.health.idleMs, now - this.#usedAt);
    if (idleMs >= this.config.idleSeconds * 1000) return "idle";
    const { maxSeconds } = this.config;
    return this.health.idleMs > 0 && now - this.#startedAt >= maxSeconds * 1000 ? "too old" : undefined;
  }

  /** An error that nothing caught belongs to the task, if one runs. */
  crash(error: unknown): void {
    this.#job?.crash(error);
  }

  /** Ends the task with all its processes, and removes its files. */
  async close(graceSeconds: number): Promise<void> {
    this.#job?.cancel(graceSeconds);
    await this.#job?.done;
    await this.#job?.dispose();
    const unused = await this.#folder?.catch(() => undefined);
    if (unused) await removeJobFolder(unused);
  }

  #start(task: JobTask): Job {
    const folder = this.#folder;
    this.#folder = undefined;
    const runner = task.taskType === "command.run" ? runCommand : runAgent;
    this.health.taskStarted();
    const job = new Job({ task, config: this.config, runner, ...(folder && { folder }) });
    this.#job = job;
    void job.done.then(() => this.health.taskEnded());
    return job;
  }
}

const busy = () =>
  new RefusedError("worker.busy", "this worker has its task already; another task needs a worker of its own");
