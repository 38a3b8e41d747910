import type { Configuration } from "../contract/configuration.ts";
import type { Problem } from "../contract/errors.ts";
import type { TaskEvent } from "../contract/events.ts";
import type { Status } from "../contract/lifecycle.ts";
import type { Limits, Target, TargetMode, Task, TaskArtifact, ValueRef } from "../contract/task.ts";
import type { Job, Operation } from "../contract/worker.ts";

/** Idempotency: which task a key stands for, and the hash of the call that claimed it. */
export type KeyClaim = { taskId: string; callHash: string; expiresAtMs: number };

export type QueueEntry = { owner: string; taskId: string; profile: string; queuedAtMs: number };

/** A task that may hold a slot; `profile` is the one for which it counts. */
export type Holder = { taskId: string; profile: string };

/** Who takes room: under the owner's limit, and under that of each profile. */
export type Slots = { running: string[]; byProfile: Record<string, string[]> };

/** A task as a child of its parent; `atMs` is when it was made. */
export type Child = { parent: string; taskId: string; atMs: number };

/** A chunk of log is exactly one worker event; `offset` is where its text begins, in UTF-16 units. */
export type LogChunk = {
  taskId: string;
  offset: number;
  sequence: number;
  stream: string;
  timestamp: string;
  text: string;
};

export type Page<T> = { items: T[]; cursor?: string };

/**
 * Everything durable about tasks. Single-item conditional writes only; a write that is repeated changes nothing.
 * Every method throws RetryableError `platform.store_unavailable` when the store cannot answer.
 */
export interface TaskStore {
  /**
   * Puts a new task; false if its id is there already (then nothing changed). One with a parent is among the parent's
   * children from before it can be read.
   */
  create(task: Task): Promise<boolean>;
  /** Reads consistently. */
  get(id: string): Promise<Task | undefined>;
  /**
   * Reads the task, applies `edit`, and writes what it returns if nobody wrote in between, else begins again; `edit` must
   * therefore be free of effects. `edit` returns undefined to leave the task as it is, and what it throws is thrown on.
   * Resolves with the task as it now stands, already stamped. Throws RefusedError `task.not_found`.
   */
  change(id: string, edit: (task: Task) => Task | undefined): Promise<Task>;
  /** An owner's tasks, newest first; may lag behind. Throws InvalidInputError for a cursor it did not make. */
  list(owner: string, query: { status?: Status; limit: number; cursor?: string }): Promise<Page<Task>>;
  /** Ids of open tasks (not terminal, or owing something) whose `dueAtMs` is at or before the time, the most overdue first. */
  listDue(atMs: number, limit: number): Promise<string[]>;

  /**
   * Claims a key for the claim's task. Resolves with the claim that holds: this one, or an older one that has not expired
   * at `nowMs`.
   */
  claimKey(owner: string, key: string, claim: KeyClaim, nowMs: number): Promise<KeyClaim>;

  /** Events that are there already (by task and sequence) stay as they are. `task.log` events do not belong here. */
  appendEvents(events: TaskEvent[]): Promise<void>;
  /** Chunks that are there already (by task and offset) stay as they are; those without text are not kept. */
  appendLog(chunks: LogChunk[]): Promise<void>;
  /** Events with a greater sequence, in order, at most `limit`; log chunks are among them as `task.log` events. */
  listEvents(taskId: string, after: number, limit: number): Promise<TaskEvent[]>;
  /**
   * Log text from `cursor`, at most `limit` UTF-16 units. A reply never splits a surrogate pair (a cursor inside one moves
   * to its start, and a limit of 1 on a pair returns the pair); beyond the end it is empty and `nextCursor` is the end.
   * `cursor` in the reply is where `data` begins. Reading stops at a gap, so that one who follows misses nothing.
   */
  readLog(taskId: string, cursor: number, limit: number): Promise<{ data: string; cursor: number; nextCursor: number }>;

  /** Keeps the list of files that a task left, in pages of `ARTIFACTS_PER_PAGE`; a page that is there already stays as it is. */
  addArtifacts(taskId: string, artifacts: readonly TaskArtifact[]): Promise<void>;
  /** A page of that list, the first is 0; empty beyond the end. Reads consistently. */
  getArtifacts(taskId: string, page: number): Promise<TaskArtifact[]>;
  /** Changes a page as `change` does a task; resolves with it as it now stands. */
  changeArtifacts(
    taskId: string,
    page: number,
    edit: (artifacts: TaskArtifact[]) => TaskArtifact[] | undefined,
  ): Promise<TaskArtifact[]>;

  /**
   * Children of a task after `after`, the oldest first, read consistently. One whose making was cut off may be among them,
   * and has no task.
   */
  listChildren(parent: string, limit: number, after?: Child): Promise<Child[]>;
  /** Takes a task off its parent's children; repeating changes nothing. */
  removeChild(child: Child): Promise<void>;

  /** Adds to the owner's queue, first in first out by `queuedAtMs`, then task id. Repeating changes nothing. */
  enqueue(entry: QueueEntry): Promise<void>;
  /** Removes from the queue; false when it was not there. */
  dequeue(entry: QueueEntry): Promise<boolean>;
  /**
   * The owner's entries, profile by profile, the oldest of each first, read consistently: those after `after`, which is an
   * entry, or the end of a profile.
   */
  listQueue(owner: string, limit: number, after?: QueueEntry | { profile: string }): Promise<QueueEntry[]>;
  /** How many of the owner's entries were queued before this one. */
  countAhead(entry: QueueEntry): Promise<number>;
  /**
   * Takes a slot under both limits in one write. Where a limit is reached, the nearest of `lenders` (they come nearest first)
   * that has room under it, in the same profile if it is the profile's, gives its own up in the same write. Taking it again
   * for a task that has one is `taken`.
   */
  takeSlot(
    entry: QueueEntry,
    limits: Pick<Limits, "maxRunning" | "maxRunningPerProfile">,
    lenders?: readonly Holder[],
  ): Promise<SlotAnswer>;
  /**
   * Gives a slot back, in one write: its room under either limit goes to the nearest of `heirs` that has none there (in the
   * same profile if the limit is the profile's), or is free. Repeating changes nothing.
   */
  releaseSlot(owner: string, holder: Holder, heirs?: readonly Holder[]): Promise<void>;
  /** Who holds the owner's slots. */
  listSlots(owner: string): Promise<Slots>;

  /** Resolves when the task may have changed, or after `timeoutMs`, or when aborted; it never says which. */
  waitForChange(taskId: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void>;
}

/** `full`: the owner has no slot left; `profile_full`: only this profile has none. */
export type SlotAnswer = "taken" | "full" | "profile_full";

/** Files and large values, kept after the worker is gone. Content is named by its sha256 and checked against it when read. */
export interface Artifacts {
  /** Keeps a value of a task. Throws RetryableError `platform.artifacts_unavailable`. */
  put(taskId: string, name: string, content: Uint8Array, contentType: string): Promise<ValueRef>;
  /** Reads what `put` returned. Throws RefusedError `artifact.corrupt` or `artifact.not_found`. */
  get(ref: ValueRef): Promise<Uint8Array>;
  /** Where the worker PUTs a file, for 15 minutes: only that content is accepted. */
  uploadTarget(taskId: string, artifact: TaskArtifact): Promise<{ url: string; headers: Record<string, string> }>;
  /** Whether the file is here, whole. */
  has(taskId: string, artifact: TaskArtifact): Promise<boolean>;
  /** A URI from which the caller can read the file. Throws RefusedError `artifact.not_found` where it is known to be gone. */
  uriOf(taskId: string, artifact: TaskArtifact): Promise<string>;
}

/** Runs `dispatch.asl.json`. */
export interface Workflow {
  /**
   * Starts execution `<id>-<n>`: `started`, also when it runs already, or `exists` when one of that name has ended.
   * Throws RetryableError when it cannot tell, RefusedError when it is not allowed to.
   */
  start(taskId: string, n: number): Promise<"started" | "exists">;
}

export type Check = { name: string; status: "pass" | "warn" | "fail"; message: string };

/** What was chosen for a task before it exists: enough to check a backend. */
export type Placement = {
  provider: string;
  accountProfile: string;
  backend: string;
  backendName?: string;
  profile?: string;
  target: Target;
  /** The agent framework, where one was chosen. */
  framework?: string;
};

/** A placement with what is to be done there. */
export type PlacedJob = Placement & Pick<Task, "taskType" | "input" | "env">;

export type Readiness = { ready: true; providerRefs?: Record<string, string> } | { ready: false; waitSeconds: number };

/** Where profiles run. Every method is idempotent, and reads what it needs from the task. */
export interface BackendAdapter {
  readonly name: string;
  readonly provider: string;
  readonly targetModes: readonly TargetMode[];
  /** Where targets are that name no region themselves. */
  readonly region?: string;
  readonly protocols: readonly string[];
  /** It acts with the credentials of whoever calls: these decide what a call may name where the configuration does not. */
  readonly asCaller?: boolean;
  /** Names of the settings that a backend or call must give, per target mode. */
  readonly configRequirements: Readonly<Partial<Record<TargetMode, readonly string[]>>>;
  /** Names the session that the task will use; nothing exists yet. */
  nameSession(task: Task): string;
  /** Names the runtime that the task will own, or undefined when it owns none; nothing exists yet. */
  nameRuntime(task: Task): string | undefined;
  /** Makes what was named. Throws DispatchError. */
  provision(task: Task): Promise<{ providerRefs: Record<string, string> }>;
  /** Whether the worker can be spoken to. Throws DispatchError when it never will. */
  awaitReady(task: Task): Promise<Readiness>;
  /**
   * Makes another worker in place of one that was lost before its job began, and resolves once it can be spoken to. Absent
   * where a session that is gone comes back when somebody invokes it. Throws as `provision` and `awaitReady` do.
   */
  renew?(task: Task): Promise<void>;
  /**
   * Sends one operation, once, and resolves with the worker's reply. Throws WorkerGoneError on proof that the session is
   * gone, any other DispatchError when the outcome is not known.
   */
  invoke(task: Task, operation: Operation, options: { timeoutMs: number; signal?: AbortSignal }): Promise<unknown>;
  /** Ends the session and everything that runs in it. One that is gone already is success. */
  stop(task: Task): Promise<void>;
  /** Deletes the runtime that the task owns; resolves with true once it is gone. */
  deleteRuntime(task: Task): Promise<boolean>;
  /** Refuses a job that cannot run there, before a task is made of it; asks nobody. Throws RefusedError, InvalidInputError. */
  assertPossible?(job: PlacedJob): void;
  /** Whether a task could run there. Never throws; with `live` it asks the platform. */
  check(placement: Placement, live: boolean): Promise<Check[]>;
  /** Names of the frameworks of our worker there; undefined where the runtime is not of ours, or not known to be. */
  frameworks(placement: Placement): readonly string[] | undefined;
  /** How to talk to the agent directly, or undefined where nobody can. */
  cloudAgent(task: Task): Record<string, unknown> | undefined;
  /** Where runtimes can be used that know nothing of the worker contract. */
  readonly foreign?: ForeignRuntimes;
}

/** How a job ended, in the words of the worker contract. `envelope` is the whole of what `result` was taken from. */
export type JobEnd = { result?: unknown; error?: Problem; envelope?: unknown };

/** What whoever holds a call gives with it. */
export type Call = { signal: AbortSignal; log(text: string, stream: "stdout" | "stderr"): void };

/**
 * Runtimes that know nothing of the worker contract: a job is one call, whose connection is held until it is answered.
 * Nothing else is ever sent to them: `invoke` throws WorkerGoneError, because whoever held the call has the answer.
 */
export interface ForeignRuntimes {
  /** Longest time for which a call can be held here, in seconds. */
  readonly maxSeconds: number;
  /** Whether the task's runtime is one. */
  serves(task: Task): boolean;
  /** Sends the job, once, and resolves with its end; what it writes meanwhile goes to `log`. Throws DispatchError. */
  call(task: Task, job: Job, call: Call): Promise<JobEnd>;
}

/** How Watch and waiting callers look: set per platform. */
export type Pace = {
  /** Longest time, in seconds, for which one visit of Watch keeps looking before it returns. */
  visitSeconds: number;
  /** Longest pause between two visits, in seconds. */
  maxPauseSeconds: number;
};

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Everything a tool or a step may touch. */
export interface Ports {
  readonly store: TaskStore;
  readonly artifacts: Artifacts;
  readonly workflow: Workflow;
  readonly backends: Readonly<Record<string, BackendAdapter>>;
  /** The configuration as it stands now. */
  configuration(): Configuration;
  /** Epoch milliseconds, as the clock has them; somebody may set it, forward or back. */
  now(): number;
  /** Whole milliseconds on a clock that nobody can set, for waits and timers; where it began says nothing. */
  steady(): number;
  readonly pace: Pace;
  /** Aborted when this process is about to end: whoever looks or waits returns soon. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}
