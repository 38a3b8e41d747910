import type { LedgerEntry } from "../contract/costs/ledger.ts";
import type { TaskEvent } from "../contract/events.ts";
import type { Status } from "../contract/lifecycle.ts";
import type { SharedRuntime, WarmSession } from "../contract/runtimes.ts";
import type { Pause } from "../contract/stopping/pause.ts";
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

/**
 * What one request set off, beside the task that it was: `tasks` are those below that one, `children` how many each of the tree
 * dispatched, by its id, `spentUsd` what those have cost that have ended, and `setAsideUsd` what is set aside for others, by their ids.
 */
export type Tree = {
  tasks: string[];
  children: Record<string, number>;
  spentUsd: number;
  setAsideUsd: Record<string, number>;
};
/** What a tree has spent and what is set aside in it, in US dollars, and of that for some of its tasks, by their ids. */
export type TreeSpending = { spentUsd: number; setAsideUsd: number; asideOf: Record<string, number> };
/** How many tasks may be below the root of a tree, and below one task of it. */
export type TreeRoom = { mostTasks: number; mostChildren: number };

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
   * Resolves with the task as it now stands, already stamped. The change that ends a task of a tree adds its cost there (`addCost`)
   * before it resolves, unless the process dies in between or that write fails: then its clean-up does. Throws RefusedError `task.not_found`.
   */
  change(id: string, edit: (task: Task) => Task | undefined): Promise<Task>;
  /** An owner's tasks, newest first; may lag behind. Throws InvalidInputError for a cursor it did not make. */
  list(owner: string, query: { status?: Status; limit: number; cursor?: string }): Promise<Page<Task>>;
  /**
   * Removes a settled task with all that is kept beside it, for good, and says whether it did: one that is not settled stays.
   * What it took stays in the ledger.
   */
  remove(id: string): Promise<boolean>;
  /**
   * Ids of open tasks (not terminal, or owing something) whose `dueAtMs` is at or before the time, the most overdue first: of
   * all, or only of those that are queued, or that have begun. However many there are of the one costs a listing of the other
   * nothing. One that waits, written by an earlier version of the program, may be among those that have begun, until it is
   * written again.
   */
  listDue(atMs: number, limit: number, among?: DueAmong): Promise<string[]>;

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

  /**
   * Counts a task that is about to be made below the root of a tree, in one conditional write; one that is counted already is
   * `entered` again, and changes nothing. A task that is counted and then never made stays counted.
   */
  enterTree(root: string, child: { taskId: string; parent: string }, room: TreeRoom): Promise<TreeAnswer>;
  /**
   * Sets aside for a task what it may spend, in one conditional write: `usd`, or what is left of `mostUsd` beside what those of the
   * tree have cost that have ended and what is set aside for others, to a millionth of a dollar. Resolves with how much, again with
   * the same; 0 where nothing is left, undefined for a task that was not counted or whose cost was added.
   */
  setAside(root: string, taskId: string, usd: number, mostUsd: number): Promise<number | undefined>;
  /**
   * Adds what a task of a tree has cost in the end, in US dollars, once, in place of what was set aside for it; of one that was not
   * counted nothing is added.
   */
  addCost(root: string, taskId: string, usd: number): Promise<void>;
  /** What is known of a tree, read consistently; undefined where nothing was dispatched in it. */
  getTree(root: string): Promise<Tree | undefined>;
  /** The money of a tree, with what is set aside for each of `of`; all is 0 of a task that dispatched none. */
  getSpending(root: string, of: readonly string[]): Promise<TreeSpending>;

  /** Reads consistently; none for one of a single turn, and for one that nobody has gone on with for the time of retention. */
  getConversation(id: string): Promise<SeenConversation | undefined>;
  /** Writes one if nobody has since it was `seen`, or seen not to be there; false where somebody has. */
  putConversation(conversation: Conversation, seen: SeenConversation | undefined): Promise<boolean>;

  /** Adds to the owner's queue, first in first out by `queuedAtMs`, then task id; false when it was there, and nothing changed. */
  enqueue(entry: QueueEntry): Promise<boolean>;
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
   * for a task that has one is `taken`. While admission is paused nobody takes one, not even again.
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

  /** Pauses the admission of an owner's tasks, or of everybody's: no slot is taken after it. Again it changes nothing. */
  pauseAdmission(of: PauseOf, sinceMs: number): Promise<void>;
  /** Ends that pause; where there is none, nothing changes. */
  resumeAdmission(of: PauseOf): Promise<void>;
  /** The pauses that keep an owner's tasks from beginning; without an owner, that of everybody's. */
  listPauses(owner?: string): Promise<Pause[]>;
  /** All whose tasks hold a slot, or were refused one; there may be others among them. */
  listOwners(): Promise<string[]>;

  /** The record of a runtime that tasks share, read consistently; one that is gone is kept for a day. */
  getRuntime(id: string): Promise<SharedRuntime | undefined>;
  /** Those of one fingerprint, or all, by their ids; reads consistently. A record that cannot be read is left out, and logged. */
  listRuntimes(fingerprint?: string): Promise<SharedRuntime[]>;
  /**
   * Changes the record of a runtime as `change` does a task, or makes it: `edit` is given undefined where there is none. Resolves
   * with the record as it now stands, undefined where there is still none.
   */
  changeRuntime(id: string, edit: RuntimeEdit): Promise<SharedRuntime | undefined>;
  /**
   * Adds a task to the users of a runtime, in one write, which no other refuses; false where the runtime is not there, is being
   * deleted, or is gone. Repeating changes nothing but when it was used last.
   */
  takeRuntime(id: string, taskId: string, atMs: number): Promise<boolean>;
  /** Takes a task off the users of a runtime, in one write; where it is none, nothing changes. */
  releaseRuntime(id: string, taskId: string, atMs: number): Promise<void>;

  /**
   * Sessions that are kept ready for tasks of a profile, or all, by their ids; reads consistently. A record that cannot be
   * read is left out, and logged.
   */
  listWarm(profile?: string): Promise<WarmSession[]>;
  /** Changes the record of one as `change` does a task, or makes it, as `changeRuntime` does. */
  changeWarm(id: string, edit: WarmEdit): Promise<WarmSession | undefined>;

  /**
   * What tasks of the owner took that have ended and were dispatched at `sinceMs` or later: the newest first, those behind
   * `after`, at most `limit`; fewer does not mean that there are no more, unless there is none. Nobody sees the end of a task
   * before its entry is there, and each has one; what was written last may be missing for a moment.
   */
  listLedger(
    owner: string,
    query: { sinceMs: number; limit: number; after?: LedgerPosition | undefined },
  ): Promise<LedgerEntry[]>;

  /**
   * The task that gave the last answer that is kept to a request of the owner (`key` as in `answerKey` of a task). Such an answer
   * is kept with the end of the task; of those that share a place only the last.
   */
  findAnswer(owner: string, key: string): Promise<string | undefined>;
  /** Counts that one was looked for, and whether it was of use. */
  noteLookup(owner: string, found: boolean): Promise<void>;
  /** How many answers of tasks are kept that ended after `sinceMs`, and what was counted since they were cleared. */
  answerStats(owner: string, sinceMs: number): Promise<{ size: number; hits: number; misses: number }>;
  /**
   * Forgets the answers of all tasks that have ended by now, and what was counted. Resolves with how many those were that ended
   * after `sinceMs`.
   */
  clearAnswers(owner: string, at: { nowMs: number; sinceMs: number }): Promise<number>;

  /** Resolves when the task may have changed, or after `timeoutMs`, or when aborted; it never says which. */
  waitForChange(taskId: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void>;
}

/** Which open tasks are meant: all of them, or those that are queued, or any other. */
export type DueAmong = "all" | "queued" | "begun";

/** Free of effects, because it may be asked again; undefined leaves the record as it is. */
export type RuntimeEdit = (runtime: SharedRuntime | undefined) => Omit<SharedRuntime, "id" | "revision"> | undefined;

/** As `RuntimeEdit`. */
export type WarmEdit = (session: WarmSession | undefined) => Omit<WarmSession, "id" | "revision"> | undefined;

/** What keeps the records of sessions that are kept ready. */
export type WarmStore = Pick<TaskStore, "listWarm" | "changeWarm">;

/** What keeps the records of runtimes that tasks share. */
export type RuntimeStore = Pick<
  TaskStore,
  "getRuntime" | "listRuntimes" | "changeRuntime" | "takeRuntime" | "releaseRuntime"
>;

/** What whoever only reads tasks needs of a store. */
export type ReadableStore = Pick<
  TaskStore,
  "get" | "list" | "listEvents" | "readLog" | "getArtifacts" | "countAhead" | "listPauses" | "getTree"
>;

/** `full`: the owner has no slot left; `profile_full`: only this profile has none; `paused`: nobody is given one. */
export type SlotAnswer = "taken" | "full" | "profile_full" | "paused";

/** `tree_full`: no task more may be in the tree; `children_full`: none below this parent. */
export type TreeAnswer = "entered" | "tree_full" | "children_full";

/** Where an entry of the ledger stands in its owner's. */
export type LedgerPosition = Pick<LedgerEntry, "createdAtMs" | "taskId">;

/** Whose admission is paused: an owner's, or everybody's, and then by whom. */
export type PauseOf = { owner: string } | { everybody: Exclude<Pause["by"], "owner"> };

/** What keeps who may begin. */
export type PauseStore = Pick<TaskStore, "pauseAdmission" | "resumeAdmission" | "listPauses" | "listOwners">;
