import type { Problem } from "../lib/contract/errors.ts";
import type { InputResponse, Question } from "../lib/contract/input-requests.ts";
import type { FrameworkSession, StartOperation, workerStatuses } from "../lib/contract/worker.ts";
import type { SessionConfig } from "./config.ts";
import type { Conversation } from "./conversation/conversation.ts";
import type { JobFolder } from "./job-folder.ts";
import type { NewEvent } from "./output/event-log.ts";
import type { OutputLog } from "./output/output-log.ts";
import type { PipePool } from "./processes/pipes.ts";
import type { StopSwitch } from "./processes/stop.ts";

/** What the worker is asked to run. */
export type JobTask = Omit<StartOperation, "contract" | "op" | "bootId">;
export type JobStatus = (typeof workerStatuses)[number];
export type Outcome = {
  result?: unknown;
  error?: Problem;
  usage?: Record<string, unknown>;
  /** What the next turn of the conversation goes on with. */
  session?: FrameworkSession;
  /** Its agent had said its last before anything ended it. */
  isAnswered?: boolean;
};

/** What a runner works with. */
export type JobContext = {
  readonly task: JobTask;
  readonly config: SessionConfig;
  readonly folder: JobFolder;
  readonly pipes: PipePool;
  readonly stop: StopSwitch;
  readonly log: OutputLog;
  /** The conversation that an agent goes on with, or begins. */
  readonly conversation?: Conversation;
  /** Publishes an event; false when the task has published too many. A question makes the task wait for its answers. */
  emit(event: NewEvent): boolean;
  /**
   * Asks whoever waits for the task, beside what else is asked, and resolves with the answer: `otherwise` where nobody gives
   * one in time, and questions may go without; undefined once the job ends, or `signal` takes the question back.
   */
  ask(
    key: string,
    question: Question["params"],
    options?: { otherwise?: InputResponse; signal?: AbortSignal },
  ): Promise<InputResponse | undefined>;
  /** From now on messages to the agent go there, as long as it takes them. Returns what ends that. */
  hearWith(hear: (text: string) => boolean): () => void;
  /** Ends the job after this time, if its own limit does not end it earlier. */
  limitTo(seconds: number): void;
};
export type Runner = (job: JobContext) => Promise<Outcome>;
