import { type Problem, RefusedError } from "../lib/contract/errors.ts";
import { environmentVariables } from "../lib/contract/execution-environment.ts";
import type { Asked, InputRequests, InputResponse } from "../lib/contract/input-requests.ts";
import { unansweredProblem } from "../lib/contract/questions/unanswered.ts";
import { addPrivate, type CollectedArtifacts, collectArtifacts, notesOf } from "./artifacts/artifacts.ts";
import { AwakeTimer } from "./awake-timer.ts";
import type { SessionConfig } from "./config.ts";
import { Conversation } from "./conversation/conversation.ts";
import { failure, runnerFailure, timeoutProblem } from "./failures.ts";
import { marksOf } from "./job-env.ts";
import { type JobFolder, makeJobFolder, removeJobFolder } from "./job-folder.ts";
import { EventBudget } from "./output/event-budget.ts";
import { EventLog, type NewEvent } from "./output/event-log.ts";
import { OutputLog } from "./output/output-log.ts";
import type { PipePool } from "./processes/pipes.ts";
import { StopSwitch } from "./processes/stop.ts";
import { Questions } from "./questions.ts";
import { report } from "./report.ts";
import { shrinkResult } from "./result.ts";
import type { JobContext, JobStatus, JobTask, Outcome, Runner } from "./runner.ts";
import { FollowUps, runFollowUp } from "./turns/follow-ups.ts";
import { type Heard, Steering } from "./turns/steering.ts";
import { Turn } from "./turns/turn.ts";
import { readTurnFiles } from "./turns/turn-files.ts";

type JobSetup = {
  task: JobTask;
  config: SessionConfig;
  pipes: PipePool;
  runner: Runner;
  folder?: Promise<JobFolder>;
  /** The turn that the job is, where a client of a protocol listens to it; that client is given its files. */
  turn?: Turn;
};

/** One task, from its start until everything about it is known. It runs by itself; readers look at it. */
export class Job {
  readonly task: JobTask;
  readonly events = new EventLog((event) => this.#turn.hear(event));
  /** Resolves when the job has ended; never rejects. */
  readonly done: Promise<void>;
  outcome: Outcome = {};
  artifacts: CollectedArtifacts | undefined;
  /** Whether there is a session of which no poll has told yet. */
  hasUntoldSession = false;
  #setup: JobSetup;
  /** What the agent works on: the job's own turn, or that of a message. */
  #turn: Turn;
  readonly #followUps = new FollowUps();
  readonly #steering = new Steering(this.#followUps);
  readonly #questions: Questions;
  #status: JobStatus = "running";
  #stop = new StopSwitch();
  #log = new OutputLog(this.events);
  #budget = new EventBudget();
  #timers: AwakeTimer[] = [];
  #folder: JobFolder | undefined;
  #isRunning = true;
  #conversation: Conversation | undefined;
  #crash = Promise.withResolvers<never>();
  /** Why it ended, where nobody answered it. */
  #unanswered: Problem | undefined;

  constructor(setup: JobSetup) {
    this.task = setup.task;
    this.#setup = setup;
    this.#questions = new Questions({
      limits: setup.task.limits,
      onChange: () => this.#onQuestions(),
      onUnanswered: (asked, response) => this.#onUnanswered(asked, response),
    });
    this.#turn = setup.turn ?? new Turn();
    this.#turn.begin({ answer: (responses) => this.answer(responses), stop: (order) => this.#stop.pull(order) });
    this.#crash.promise.catch(() => {});
    this.done = this.#run();
  }

  get status(): JobStatus {
    return this.#status;
  }

  get hasEnded(): boolean {
    return this.#status !== "running" && this.#status !== "input_required";
  }

  /** The framework's session that the next turn of the conversation goes on with, as soon as it is known. */
  get session(): Outcome["session"] {
    return this.#conversation?.session ?? this.outcome.session;
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

  /** What it asks now, by key. */
  get inputRequests(): InputRequests {
    return this.#questions.requests;
  }

  /** Hands answers to a job that asked for them. False when it did not, or not for all of them. */
  answer(responses: Record<string, unknown>): Promise<boolean> {
    return this.#questions.answer(responses);
  }

  /** Has the agent hear a message, within its turn where it can, else after it; the same id again says nothing twice. */
  steer(id: string, text: string): Heard {
    this.#assertAgent();
    return this.#steering.say(id, text);
  }

  /**
   * Says something to the agent: the answer to what it asks, or a message that it hears once its turn is over. Throws
   * RefusedError `task.terminal` when the job is over, `adapter.unsupported` for a program, `worker.busy`.
   */
  async say(text: string): Promise<Turn> {
    this.#assertAgent();
    const turn = this.#turn;
    if (this.#status === "input_required" && (await turn.answer(text))) return turn;
    return this.#followUps.add(text);
  }

  #assertAgent(): void {
    if (this.task.taskType !== "agent.run")
      throw new RefusedError("adapter.unsupported", "the task runs a program, which hears no messages");
  }

  /** The turn that the agent is in. */
  get turn(): Turn {
    return this.#turn;
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
      outcome = await Promise.race([this.#turns(this.#context(this.#folder)), this.#crash.promise]);
    } catch (error) {
      // What is about to start a process starts none, or ends it.
      this.#stop.pull({ kind: "fault", graceSeconds: 0 });
      const env = { ...this.#setup.config.jobEnv, [environmentVariables.taskId]: this.task.taskId };
      outcome = await runnerFailure(error, this.task.taskId, marksOf(env));
    }
    this.#isRunning = false;
    this.#followUps.close();
    for (const timer of this.#timers) timer.clear();
    this.#log.flush();
    await this.#settle(outcome);
  }

  /** Runs the turn of the job, and those of the messages that came meanwhile. */
  async #turns(context: JobContext): Promise<Outcome> {
    const { runner } = this.#setup;
    let outcome = await runner(context);
    while (!outcome.error && !this.#stop.order) {
      const next = this.#followUps.next();
      if (!next) break;
      if (!this.#turn.hasEnded) this.#turn.end({ status: "succeeded", outcome, files: [] });
      this.#turn = next.turn;
      this.#forgetQuestion();
      const answer = (responses: Record<string, unknown>) => this.answer(responses);
      const { session = outcome.session } = await runFollowUp(next, outcome.session, { context, runner, answer });
      outcome = { ...outcome, ...(session && { session }) };
      this.#forgetQuestion();
    }
    return outcome;
  }

  /** A turn that ended asks nothing any more. */
  #forgetQuestion(): void {
    this.#questions.clear();
    if (this.#status === "input_required") this.#status = "running";
  }

  /** It waits as long as anything is asked; whoever listens to the turn is told of what is left, one answer after the other. */
  #onQuestions(): void {
    if (this.hasEnded) return;
    const requests = this.#questions.requests;
    const asks = Object.keys(requests).length > 0;
    this.#status = asks ? "input_required" : "running";
    this.#turn.goOn();
    if (asks) this.#turn.ask(requests);
  }

  #onUnanswered({ question }: Asked, response: InputResponse | undefined): void {
    const { answerSeconds = 0, graceSeconds } = this.task.limits;
    if (response) {
      const said = JSON.stringify(response);
      this.#log.note(`nobody answered within ${answerSeconds} s: the default stands, ${said}`);
      return;
    }
    this.#unanswered = unansweredProblem(question.params.message, answerSeconds);
    this.#stop.pull({ kind: "unanswered", graceSeconds });
  }

  #askBeside(...[key, question, options]: Parameters<JobContext["ask"]>): ReturnType<JobContext["ask"]> {
    const { event, answer } = this.#questions.ask(key, question, options);
    this.#log.flush();
    this.events.append(event);
    return answer;
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
    if (order?.kind === "unanswered" && this.#unanswered) this.outcome = { ...outcome, error: this.#unanswered };
    // An answer that is there is an answer, whoever went on running after it.
    if (order?.kind === "timeout" && !outcome.isAnswered) {
      const conversation = outcome.session && this.task.conversation?.id;
      this.outcome = { ...outcome, error: timeoutProblem(conversation) };
    }
    if (this.#folder) {
      try {
        this.outcome = await shrinkResult(this.outcome, this.#folder, this.#log);
        this.artifacts = await collectArtifacts(this.#folder.artifacts);
        const { archive } = this.#conversation ?? {};
        if (archive) addPrivate(this.artifacts, archive);
        for (const note of notesOf(this.artifacts)) this.#log.note(note);
      } catch (error) {
        report("the artifacts could not be listed", error);
        this.#log.note("the artifacts could not be listed");
      }
    }
    const files = this.#setup.turn ? await readTurnFiles(this.artifacts) : [];
    this.#questions.clear();
    const status = order?.kind === "cancel" ? "cancelled" : this.outcome.error ? "failed" : "succeeded";
    this.#status = status;
    if (!this.#turn.hasEnded) this.#turn.end({ status, outcome: this.outcome, files });
    this.events.wake();
  }

  #context(folder: JobFolder): JobContext {
    const { config, pipes } = this.#setup;
    const emit = (event: NewEvent) => this.#emit(event, folder);
    const limitTo = (seconds: number) => this.limitTo(seconds);
    const ask: JobContext["ask"] = (...asked) => this.#askBeside(...asked);
    const hearWith: JobContext["hearWith"] = (hear) => this.#steering.listen(hear);
    const common = { task: this.task, config, folder, pipes, stop: this.#stop, log: this.#log };
    const context: JobContext = { ...common, emit, ask, hearWith, limitTo };
    const { conversation, taskType } = this.task;
    if (!conversation || taskType !== "agent.run") return context;
    const home = config.conversationsDir;
    const tell = () => {
      this.hasUntoldSession = true;
      this.events.wake();
    };
    this.#conversation = new Conversation({ conversation, home, root: folder.root, log: this.#log, tell });
    return { ...context, conversation: this.#conversation };
  }

  #emit(event: NewEvent, folder: JobFolder): boolean {
    if (!this.#budget.take(event, this.#log)) return false;
    this.#log.flush();
    const told = event.type === "task.input_required" ? this.#questions.askInFile(event, folder.inputFile) : event;
    this.events.append(told);
    return true;
  }

  limitTo(seconds: number): void {
    const { graceSeconds } = this.task.limits;
    const expire = () => this.#stop.pull({ kind: "timeout", graceSeconds });
    this.#timers.push(new AwakeTimer(seconds, expire));
  }
}
