import type { Problem } from "../lib/contract/errors.ts";
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
  /** Ends the job after this time, if its own limit does not end it earlier. */
  limitTo(seconds: number): void;
};
export type Runner = (job: JobContext) => Promise<Outcome>;
