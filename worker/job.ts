import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { type CollectedArtifacts, collectArtifacts, notesOf } from "./artifacts/artifacts.ts";
import { AwakeTimer } from "./awake-timer.ts";
import type { SessionConfig } from "./config.ts";
import { failure, runnerFailure, timeoutProblem } from "./failures.ts";
import { marksOf } from "./job-env.ts";
import { type JobFolder, makeJobFolder, removeJobFolder } from "./job-folder.ts";
import { EventBudget } from "./output/event-budget.ts";
import { EventLog, type NewEvent } from "./output/event-log.ts";
import { OutputLog } from "./output/output-log.ts";
import type { PipePool } from "./processes/pipes.ts";
import { StopSwitch } from "./processes/stop.ts";
import { forgetAnswers, writeAnswers } from "./questions.ts";
import { report } from "./report.ts";
import { shrinkResult } from "./result.ts";
import type { JobContext, JobStatus, JobTask, Outcome, Runner } from "./runner.ts";

type JobSetup = {
  task: JobTask;
  config: SessionConfig;
  pipes: PipePool;
  runner: Runner;
  folder?: Promise<JobFolder>;
};

/** One task, from its start until everything about it is known. It runs by itself; readers look at it. */
export class Job {
  readonly task: JobTask;
  readonly events = new EventLog();
  /** Resolves when the job has ended; never rejects. */
  readonly done: Promise<void>;
  outcome: Outcome = {};
  artifacts: CollectedArtifacts | undefined;
  inputRequests: Record<string, unknown> | undefined;
  #setup: JobSetup;
  #status: JobStatus = "running";
  #stop = new StopSwitch();
  #log = new OutputLog(this.events);
  #budget = new EventBudget();
  #timers: AwakeTimer[] = [];
  #folder: JobFolder | undefined;
  #isRunning = true;
  #crash = Promise.withResolvers<never>();

  constructor(setup: JobSetup) {
    this.task = setup.task;
    this.#setup = setup;
    this.#crash.promise.catch(() => {});
    this.done = this.#run();
  }

  get status(): JobStatus {
    return this.#status;
  }

  get hasEnded(): boolean {
    return this.#status !== "running" && this.#status !== "input_required";
  }

  /** How long the machine has been awake since the job began. */
  get elapsedSeconds(): number {
    return this.#timers[0]?.elapsedSeconds ?? 0;
  }

  /** Orders the job to end. False when its work is over already, so that its outcome stands. */
  cancel(graceSeconds: number): boolean {
    if (this.#isRunning) this.#stop.pull({ kind: "cancel", graceSeconds });
    return this.#isRunning;
  }

  /** Ends the job after an error that nothing around its work could catch. */
  crash(error: unknown): void {
    this.#crash.reject(error);
  }

  /** Hands answers to a job that asked for them. False when it did not. */
  async answer(responses: Record<string, unknown>): Promise<boolean> {
    if (this.#status !== "input_required" || !this.#folder) return false;
    this.#status = "running";
    const requests = this.inputRequests;
    this.inputRequests = undefined;
    try {
      await writeAnswers(this.#folder, responses);
    } catch (error) {
      this.#status = "input_required";
      this.inputRequests = requests;
      throw error;
    }
    return true;
  }

  /** Removes what the job left on disk. */
  async dispose(): Promise<void> {
    if (this.#folder) await removeJobFolder(this.#folder);
  }

  async #run(): Promise<void> {
    let outcome: Outcome;
    try {
      this.limitTo(this.task.limits.timeoutSeconds);
      this.#folder = await this.#takeFolder();
      outcome = await Promise.race([this.#setup.runner(this.#context(this.#folder)), this.#crash.promise]);
    } catch (error) {
      // What is about to start a process starts none, or ends it.
      this.#stop.pull({ kind: "fault", graceSeconds: 0 });
      const env = { ...this.#setup.config.jobEnv, [environmentVariables.taskId]: this.task.taskId };
      outcome = await runnerFailure(error, this.task.taskId, marksOf(env));
    }
    this.#isRunning = false;
    for (const timer of this.#timers) timer.clear();
    this.#log.flush();
    await this.#settle(outcome);
  }

  async #takeFolder(): Promise<JobFolder> {
    try {
      return await (this.#setup.folder ?? makeJobFolder(this.#setup.config));
    } catch (cause) {
      throw failure("worker.storage", "the worker could not make the folders of the task", cause);
    }
  }

  async #settle(outcome: Outcome): Promise<void> {
    const { order } = this.#stop;
    const { error: _, ...withoutError } = outcome;
    this.outcome = outcome;
    if (order?.kind === "cancel") this.outcome = withoutError;
    if (order?.kind === "timeout") {
      const conversation = outcome.session && this.task.conversation?.id;
      this.outcome = { ...outcome, error: timeoutProblem(conversation) };
    }
    if (this.#folder) {
      try {
        this.outcome = await shrinkResult(this.outcome, this.#folder, this.#log);
        this.artifacts = await collectArtifacts(this.#folder.artifacts);
        for (const note of notesOf(this.artifacts)) this.#log.note(note);
      } catch (error) {
        report("the artifacts could not be listed", error);
        this.#log.note("the artifacts could not be listed");
      }
    }
    this.inputRequests = undefined;
    this.#status = order?.kind === "cancel" ? "cancelled" : this.outcome.error ? "failed" : "succeeded";
    this.events.wake();
  }

  #context(folder: JobFolder): JobContext {
    const { config, pipes } = this.#setup;
    const emit = (event: NewEvent) => this.#emit(event, folder);
    const limitTo = (seconds: number) => this.limitTo(seconds);
    return { task: this.task, config, folder, pipes, stop: this.#stop, log: this.#log, emit, limitTo };
  }

  #emit(event: NewEvent, folder: JobFolder): boolean {
    if (!this.#budget.take(event, this.#log)) return false;
    this.#log.flush();
    if (event.type === "task.input_required") {
      forgetAnswers(folder);
      this.inputRequests = event.payload ?? {};
      this.#status = "input_required";
    }
    this.events.append(event);
    return true;
  }

  limitTo(seconds: number): void {
    const { graceSeconds } = this.task.limits;
    const expire = () => this.#stop.pull({ kind: "timeout", graceSeconds });
    this.#timers.push(new AwakeTimer(seconds, expire));
  }
}
