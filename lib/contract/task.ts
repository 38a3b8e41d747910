import * as z from "zod";
import { inputRequestsOf, inputResponseSchema } from "./input-requests.ts";
import { channels, protocols, targetModes, taskTypes, unansweredEnds } from "./kinds.ts";
import { assertTransition, isTerminal, type Status } from "./lifecycle.ts";
import { orchestrationSchema } from "./orchestration/state.ts";
import { storedProblem as problem } from "./said-problem.ts";
import { responseFormatSchema } from "./worker.ts";

/** The version of the records that this program writes; `lib/store/stored-task.ts` reads older ones. */
export const TASK_VERSION = 2;

const json = z.record(z.string(), z.unknown());
export type Json = z.infer<typeof json>;
const texts = z.record(z.string(), z.string());
const number = z.number();
const text = z.string();

/** Where a value too large for the task item is kept. */
export const valueRefSchema = z.object({ uri: text, sizeBytes: number, sha256: text });
export type ValueRef = z.infer<typeof valueRefSchema>;

const targetSchema = z.object({
  mode: z.enum(targetModes),
  protocol: z.enum(protocols).exactOptional(),
  details: json.exactOptional(),
});
export type Target = z.infer<typeof targetSchema>;

/** Limits as they stood when the task was dispatched. */
export const limitsSchema = z.object({
  maxRunning: number,
  maxRunningPerProfile: number,
  timeoutSeconds: number,
  graceSeconds: number,
  maxDepth: number,
  maxBudgetUsd: number.exactOptional(),
  maxTokens: number.exactOptional(),
  answerSeconds: number.exactOptional(),
  unanswered: z.enum(unansweredEnds).exactOptional(),
});
export type Limits = z.infer<typeof limitsSchema>;

/** A file that the task left behind; it ends `stored` or `lost`, with the reason. */
const artifactSchema = z.object({
  id: text,
  name: text,
  kind: z.literal("file"),
  contentType: text,
  sizeBytes: number,
  sha256: text,
  state: z.enum(["pending", "stored", "lost"]),
  reason: text.exactOptional(),
  createdAt: text,
  /** What the next turn of a conversation needs; it is shown to nobody. */
  private: z.literal(true).exactOptional(),
});
export type TaskArtifact = z.infer<typeof artifactSchema>;

/** Files that a job left beyond what is kept: how many, and the first of them. `limit` is how many are kept. */
export const leftOutSchema = z.object({
  count: number,
  limit: number,
  files: z.array(z.object({ name: text, reason: text })),
});
export type LeftOut = z.infer<typeof leftOutSchema>;

/**
 * The worker session of a task. `inFlight` are the invocations under way, each with the time (epoch ms) until which it
 * may last: none begins once the session is `closed`, and the last stop waits until none is left.
 */
const sessionSchema = z.object({
  id: text,
  state: z.enum(["open", "closed"]),
  inFlight: z.record(z.string(), number),
  /** Invocations that may have reached it. */
  sent: number.exactOptional(),
  bootId: text.exactOptional(),
  startAttemptedAtMs: number.exactOptional(),
  /** Attempts to hand the job over since then, that one included. */
  startAttempts: number.exactOptional(),
  /** Of each token that those may have handed over, the sha256: of all of them a worker takes one. */
  tokens: z.array(text).exactOptional(),
  /** Since when the end of the job is refused where it should be kept (epoch ms). */
  unkeptSinceMs: number.exactOptional(),
  /** Polls in a row that failed after the deadline. */
  overdueMisses: number.exactOptional(),
  /** Workers that were lost before the job could start. */
  lostWorkers: number.exactOptional(),
  /** Failures in a row that speak for the work being gone. */
  suspicions: number.exactOptional(),
  /** Since when there are such failures (epoch ms). */
  failingSinceMs: number.exactOptional(),
});
export type Session = z.infer<typeof sessionSchema>;

/**
 * What has to be undone or given back, written before the effect that creates the obligation. `slot` is the profile for which
 * it counts: the task has one, or has lent it to a task that it dispatched. `runtime` is the name of one that is the task's
 * own, to be deleted; `sharedRuntime` the record of one that it has taken, to be given back. `dispatched` says that there may be
 * children, to be cancelled when it ends, and `children` is there while those are to be cancelled.
 */
const obligationsSchema = z.object({
  slot: text.exactOptional(),
  session: text.exactOptional(),
  runtime: text.exactOptional(),
  sharedRuntime: text.exactOptional(),
  dispatched: z.literal(true).exactOptional(),
  children: z.literal("cancel").exactOptional(),
});

/** What a turn of a conversation goes on with, and then leaves to the next. */
const conversationSchema = z.object({
  id: text,
  /** What its framework calls its own session: of the turn before, until this one has told of one. */
  session: z.object({ framework: text, id: text }).exactOptional(),
  /** The files of the session, as the last turn that brought some home left them, among the artifacts of that task. */
  state: z.object({ taskId: text, sizeBytes: number, sha256: text }).exactOptional(),
  /** Those of this turn, until they are home. */
  leaving: artifactSchema.exactOptional(),
});
export type TaskConversation = z.infer<typeof conversationSchema>;

/** How far a job says that it is. */
export const progressSchema = z.object({
  message: text.exactOptional(),
  sequence: number,
  timestamp: text,
  payload: json.exactOptional(),
});

/**
 * The answer to one question: by its key, which no other has; what was given, as a sha256, so that the same call again is
 * no other answer; and the event after which it was given. `response` is there until the worker has it.
 */
const answerSchema = z.object({
  key: text,
  given: text,
  after: number,
  response: inputResponseSchema.exactOptional(),
});
export type Answer = z.infer<typeof answerSchema>;

/** What the worker said of the end; the status follows once its artifacts are safe. */
const outcomeSchema = z.object({ status: z.enum(["succeeded", "failed", "cancelled"]), atMs: number });
export type Outcome = z.infer<typeof outcomeSchema>;

/** What every task has, whatever its status. Times ending in `Ms` are epoch milliseconds, the others RFC 3339. */
const common = {
  version: z.literal(TASK_VERSION),
  id: text,
  owner: text,
  /** Grows with every write; a write names the one it has seen. */
  revision: number,
  /** Number of the execution that may act for this task; a step of an older one does nothing. */
  executionNumber: number,
  provider: text,
  accountProfile: text,
  capability: text,
  /** Name of the backend adapter. */
  backend: text,
  /** Name of the backend in the configuration, when one was chosen. */
  backendName: text.exactOptional(),
  /** Runtime profile; admission counts by it. */
  profile: text,
  taskType: z.enum(taskTypes),
  /** Its result is shown as a preview of so many characters at most, with a reference. */
  summaryChars: number.exactOptional(),
  /** What its agent was asked to answer with: one JSON value. */
  responseFormat: responseFormatSchema.exactOptional(),
  /** Its answer may serve the same request again: a sha256 of that, with whose it is. */
  answerKey: text.exactOptional(),
  /** The agent framework, as the call, its profile or the backend chose it. */
  framework: text.exactOptional(),
  target: targetSchema,
  input: json,
  /** Set when `input` is kept elsewhere because it is large; `input` is then a preview. */
  inputRef: valueRefSchema.exactOptional(),
  /** Its workspace is the one that its profile lives in, which the person registered: it may steer the agent. */
  trusted: z.literal(true).exactOptional(),
  /** What holds for each task of its profile, as it stood when the task was dispatched. */
  instructions: text.exactOptional(),
  goal: text.exactOptional(),
  caller: z.unknown().exactOptional(),
  metadata: json.exactOptional(),
  /** Values live here only until the start, then their names. */
  env: texts.exactOptional(),
  envNames: z.array(text).exactOptional(),
  limits: limitsSchema,
  parent: text.exactOptional(),
  /**
   * The task that its tree began with, and when the time of that is over (epoch ms); absent in that one, and in tasks of
   * earlier programs.
   */
  root: text.exactOptional(),
  treeEndsAtMs: number.exactOptional(),
  /** Its `maxBudgetUsd` is what its tree had left, and no bound of its own. */
  hasBudgetOfTree: z.literal(true).exactOptional(),
  depth: number,
  /** Of a task that is made of others: how far they are. */
  orchestration: orchestrationSchema.exactOptional(),
  /** Of one of those others: its place among them. */
  position: number.exactOptional(),
  /** It never ran: it is answered by an earlier task to the same request, with what that one took. */
  answeredBy: z
    .object({
      taskId: text,
      conversation: text.exactOptional(),
      usage: json.exactOptional(),
      ranMs: number.exactOptional(),
    })
    .exactOptional(),
  /** Of each `agent.run`; tasks of earlier programs have none. */
  conversation: conversationSchema.exactOptional(),
  /** It was cancelled with everything below it: what it dispatched begins no more. */
  calledOff: z.literal(true).exactOptional(),
  /** What it asked and was answered, the last of it: an answer is kept here until its worker has it. */
  answers: z.array(answerSchema).exactOptional(),
  /** The trace that the call belonged to which dispatched it, as `traceparent`. */
  trace: text.exactOptional(),

  phases: texts,
  createdAt: z.iso.datetime(),
  updatedAt: text,
  /** When the janitor should recover it: every step pushes it ahead. Absent once nothing is left to do. */
  dueAtMs: number.exactOptional(),
  /** Epoch seconds at which the store may forget the task; set once it is terminal and has no obligations. */
  expiresAtSeconds: number.exactOptional(),
  /** When the job's time is over, set at the start. */
  deadlineAtMs: number.exactOptional(),
  obligations: obligationsSchema,
  /** Attempts to make its runtime that may have succeeded. */
  creations: number.exactOptional(),
  /**
   * When it was last tried to make its own runtime, or that was answered: the runtime is no older. Tasks of earlier programs
   * lack it.
   */
  attemptedAtMs: number.exactOptional(),
  providerRefs: texts,
  /** Set at dispatch, or by Provision where only the platform knows whether the runtime has the worker contract. */
  channel: z.enum(channels).exactOptional(),
  session: sessionSchema.exactOptional(),
  lease: z.object({ holder: text, untilMs: number }).exactOptional(),
  /** Executions started anew in one phase since the worker last answered; too many end the task. */
  recoveries: z.object({ count: number, atPhase: number }).exactOptional(),

  /** Number of the last worker event stored. */
  workerSequence: number,
  /** Length of the log in UTF-16 units. */
  logLength: number,
  /** Bytes of UTF-8 that count against what a log may hold: all of it once something did not fit. */
  logBytes: number,
  /** Whether text is missing at the end of the log. */
  logTruncated: z.boolean().exactOptional(),
  progress: progressSchema.exactOptional(),
  usage: json.exactOptional(),
  /** Parts that are previews, because the whole would be too large to store. */
  shortened: z.array(text).exactOptional(),
};

/** What a job asks for; earlier programs kept it as the job had written it. */
const asking = { inputRequests: json.transform((requests) => inputRequestsOf(requests)) };

/** What a job that has ended left. */
const ending = {
  result: z.unknown().exactOptional(),
  resultRef: valueRefSchema.exactOptional(),
  /** How many files it left; they are kept beside the task, in pages. */
  artifactCount: number.exactOptional(),
  /** Those before this one are all stored or lost. */
  artifactsSettled: number.exactOptional(),
  /** Why those that are still pending are lost, once the task has ended. */
  artifactsLostReason: text.exactOptional(),
  artifactsLeftOut: leftOutSchema.exactOptional(),
  /** In tasks of older versions, in place of the pages. */
  artifacts: z.array(artifactSchema).exactOptional(),
};

const inStatus = <S extends Status, Shape extends z.ZodRawShape>(status: S, own: Shape) =>
  z.object({ ...common, ...own, status: z.literal(status) });
const maybeEnded = { ...ending, outcome: outcomeSchema.exactOptional() };
const ended = { ...ending, outcome: outcomeSchema };

/** A task as it is stored, by its status. */
export const taskSchema = z.discriminatedUnion("status", [
  inStatus("queued", {}),
  inStatus("provisioning", {}),
  inStatus("starting", {}),
  inStatus("running", {}),
  inStatus("input_required", asking),
  inStatus("completing", { ...ended, error: problem.exactOptional() }),
  inStatus("cancelling", maybeEnded),
  inStatus("succeeded", ended),
  inStatus("failed", { ...maybeEnded, error: problem }),
  inStatus("cancelled", maybeEnded),
]);
type Parsed = z.infer<typeof taskSchema>;
type FieldOf<T> = T extends unknown ? keyof T : never;
/** What only tasks of another status have can be asked for, and is not there. */
type Closed<T> = T extends unknown ? T & { [Field in Exclude<FieldOf<Parsed>, keyof T>]?: never } : never;
export type Task = Closed<Parsed>;
/** A task in that status. */
type TaskIn<S extends Status> = Extract<Task, { status: S }>;
export type EndedTask = TaskIn<"succeeded" | "failed" | "cancelled">;

/** What a task of that status has beside what all have. */
export type OwnOf<S extends Status> = S extends Status
  ? Omit<Extract<Parsed, { status: S }>, keyof typeof common | "status">
  : never;
/** The statuses that a task can only be in with something of its own. */
type Demanding<S extends Status> = S extends Status ? (Record<never, never> extends OwnOf<S> ? never : S) : never;

/** Days for which a settled task stays readable, unless the configuration says otherwise. */
export const RETENTION_DAYS = 90;

/**
 * Moves the status by the table of transitions and notes when; `own` is what a task of that status has to have. Throws
 * TransitionRefusedError. Returns a new task.
 */
export function transition<S extends Status>(
  task: Task,
  to: S,
  nowMs: number,
  ...own: [Demanding<S>] extends [never] ? [own?: OwnOf<S>] : [own: OwnOf<Demanding<S>>]
): TaskIn<S> {
  assertTransition(task.status, to);
  const phases = { ...task.phases, [to]: new Date(nowMs).toISOString() };
  const kept: object = without(task, "inputRequests", ...(isTerminal(to) ? (["answers"] as const) : []));
  return { ...kept, ...own[0], status: to, phases } as unknown as TaskIn<S>;
}

/** Whether status, result and error of a task can never change again. */
export const hasEnded = (task: Task): task is EndedTask => isTerminal(task.status);

/** Whether the janitor has nothing left to do for it. */
export function isSettled(task: Task): boolean {
  return hasEnded(task) && Object.keys(task.obligations).length === 0;
}

type Without<T, K> = T extends unknown ? Omit<T, K & keyof T> & Partial<Pick<T, K & keyof T>> : never;

/** A copy without the given optional fields. */
export function without<T extends object, K extends FieldOf<T>>(value: T, ...keys: K[]): Without<T, K> {
  const copy: Partial<Record<PropertyKey, unknown>> = { ...value };
  for (const key of keys) delete copy[key];
  return copy as Without<T, K>;
}
