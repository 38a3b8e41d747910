import type { TaskEvent } from "../contract/events.ts";
import type { Status } from "../contract/lifecycle.ts";
import type { Limits, Task, TaskArtifact } from "../contract/task.ts";

/** Idempotency: which task a key stands for, and the hash of the call that claimed it. */
export type KeyClaim = { taskId: string; callHash: string; expiresAtMs: number };

/** `conversation` is there when the task goes on with one. */
export type QueueEntry = {
  owner: string;
  taskId: string;
  profile: string;
  queuedAtMs: number;
  conversation?: string;
};

/**
 * Whose turn it is in a conversation of several: `turn` is the task that took it last, whether or not it still runs, `before`
 * the one that ran before it, and `waiting` are those that want it, in the order in which they came.
 */
export type Conversation = { id: string; owner: string; turn: string; before?: string; waiting: string[] };
/** As it was read; `revision` grows with every write. */
export type SeenConversation = Conversation & { revision: number };

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

  /** Reads consistently; none for one of a single turn, and for one that nobody has gone on with for the time of retention. */
  getConversation(id: string): Promise<SeenConversation | undefined>;
  /** Writes one if nobody has since it was `seen`, or seen not to be there; false where somebody has. */
  putConversation(conversation: Conversation, seen: SeenConversation | undefined): Promise<boolean>;

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

/** What whoever only reads tasks needs of a store. */
export type ReadableStore = Pick<TaskStore, "get" | "list" | "listEvents" | "readLog" | "getArtifacts" | "countAhead">;

/** `full`: the owner has no slot left; `profile_full`: only this profile has none. */
export type SlotAnswer = "taken" | "full" | "profile_full";
