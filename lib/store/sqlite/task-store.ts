import { uptime } from "node:os";
import { shareOf } from "../../contract/costs/of-task.ts";
import { taskNotFound } from "../../contract/errors.ts";
import type { Logger } from "../../contract/logger.ts";
import { hasEnded, isSettled, RETENTION_DAYS, type Task } from "../../contract/task.ts";
import { answerFor } from "../answers.ts";
import { asChild, edited } from "../edited.ts";
import { type EstimateOf, ledgerEntryFor } from "../ledger.ts";
import type { TaskStore } from "../port.ts";
import { artifactList } from "./artifact-list.ts";
import { ChangeWatch } from "./change-watch.ts";
import { children } from "./children.ts";
import { claims } from "./claims.ts";
import { conversations } from "./conversations.ts";
import { openDatabase } from "./database.ts";
import { answers } from "./ended/answers.ts";
import { ledger } from "./ended/ledger.ts";
import { envFiles } from "./env-files.ts";
import { eventLog } from "./event-log.ts";
import { expiryClock } from "./expiry-clock.ts";
import { pauses } from "./pauses.ts";
import { queue } from "./queue.ts";
import { runtimes } from "./runtimes.ts";
import { slots } from "./slots.ts";
import { guarded } from "./store-errors.ts";
import { sweeper } from "./sweep.ts";
import { bodies } from "./task-body.ts";
import { taskLists } from "./task-lists.ts";
import { taskReading } from "./task-reading.ts";
import { trees } from "./trees.ts";
import { warmSessions } from "./warm-sessions.ts";

export type TaskStoreOptions = {
  /** Epoch milliseconds; default the clock. */
  now?: () => number;
  /** Milliseconds by a clock that nobody sets; default how long the machine is up. */
  steady?: () => number;
  /** How long a call waits while another process writes. */
  busyTimeoutMs?: number;
  /** Days for which a settled task stays readable. */
  retentionDays?: number | undefined;
  /** What the ledger says of a task's cost besides what its framework says. */
  estimate?: EstimateOf;
  /** Is told of records that are damaged. */
  log?: Logger;
};

/**
 * The task store on one machine: a SQLite file in the folder, which several processes may have open at once. Throws
 * RetryableError `platform.store_unavailable` when the folder or the file cannot be used, and RefusedError `platform.newer_version` when a newer version of the program wrote the file.
 *
 * @example
 * const store = openTaskStore("/var/lib/agentdispatch");
 */
export function openTaskStore(
  folder: string,
  {
    now = Date.now,
    steady = () => uptime() * 1000,
    busyTimeoutMs = 5000,
    retentionDays,
    estimate,
    log,
  }: TaskStoreOptions = {},
): TaskStore & { close(): void } {
  const db = openDatabase(folder, busyTimeoutMs);
  const insert = db.prepare(
    `INSERT INTO tasks (id, owner, status, created_ms, due_ms, expires_s, revision, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const update = db.prepare(
    "UPDATE tasks SET status = ?, due_ms = ?, expires_s = ?, revision = ?, body = ? WHERE id = ?",
  );
  const remove = db.prepare("DELETE FROM tasks WHERE id = ?");
  const removeExpired = db.prepare("DELETE FROM tasks WHERE id = ? AND expires_s <= ?");
  const revision = db.prepare("SELECT revision FROM tasks WHERE id = ?");
  const dataVersion = db.prepare("PRAGMA data_version");

  const { forgetEvents, ...events } = eventLog(db);
  const { forgetArtifacts, ...artifacts } = artifactList(db);
  const { addChild, forgetChildren, ...family } = children(db);
  const { forgetTree, payTree, ...ofTrees } = trees(db);
  const { putAnswer, ...kept } = answers(db);
  const { noteEntry, forgetEntries, ...book } = ledger(db, log);
  /** In the transaction of a write that ends a task: who sees the end sees what it took, what its tree has left, and what it may answer. */
  const noteEnd = (before: Task | undefined, after: Task) => {
    const entry = ledgerEntryFor(before, after, estimate);
    if (entry) noteEntry(entry);
    const answer = answerFor(before, after);
    if (answer) putAnswer(after.owner, answer);
    const share = before && !hasEnded(before) ? shareOf(after, estimate?.(after)) : undefined;
    if (share) payTree(share.root, after.id, share.usd);
  };
  const { forgetClaims, ...keys } = claims(db, now, steady);
  const forget = (id: string) => {
    forgetEvents(id);
    forgetArtifacts(id);
    forgetChildren(id);
    forgetTree(id);
  };

  const expiry = expiryClock(db, now);
  const seconds = () => expiry.time() / 1000;
  const { forgetConversations, ...turns } = conversations(db, {
    seconds,
    retentionDays: retentionDays ?? RETENTION_DAYS,
  });
  const { forgetRuntimes, ...sharedRuntimes } = runtimes(db, { seconds, log });
  const forgetOthers = (at: number) => {
    forgetConversations(at);
    forgetRuntimes(at);
    forgetEntries(at);
  };
  const sweep = sweeper(db, { now, expiryTime: expiry.time, forget, forgetClaims, forgetOthers });
  const files = envFiles(folder);
  const { toBody, toTask } = bodies(files);
  const { find, read, readable, setAsideDamaged } = taskReading(db, { toTask, seconds, log });
  const { list, listDue } = taskLists(db, { readable, seconds });

  const revisionOf = (id: string) => (revision.get(id) as { revision: number } | undefined)?.revision;
  const watch = new ChangeWatch({
    revisionOf: (id) => db.read(() => revisionOf(id)),
    writesOfOthers: () => (db.read(() => dataVersion.get()) as { data_version: number }).data_version,
  });
  /** Whether a task waits for its environment; undefined for one that is not known. */
  const needsEnv = (id: string): boolean | undefined => {
    try {
      const task = db.read(() => find(id));
      return task && task.env !== undefined;
    } catch {
      return true;
    }
  };
  const forgetEnv = (id: string) => guarded(folder, () => files.remove(id));

  /** Tasks whose last change nobody may hear of yet. */
  const unsynced = new Map<string, Promise<void>>();
  const lasting = async (id: string): Promise<void> => {
    const synced = db.synced();
    const known = synced.catch(() => {});
    unsynced.set(id, known);
    try {
      await synced;
    } finally {
      if (unsynced.get(id) === known) unsynced.delete(id);
    }
  };

  expiry.see();
  sweep();
  setAsideDamaged();
  guarded(folder, () => files.sweep(needsEnv, now()));
  return {
    ...events,
    ...artifacts,
    ...family,
    ...ofTrees,
    ...keys,
    ...turns,
    ...book,
    ...kept,
    ...queue(db),
    ...slots(db),
    ...pauses(db),
    ...sharedRuntimes,
    ...warmSessions(db, log),
    listDue,

    async create(task) {
      expiry.see();
      sweep();
      const { id, owner, status, createdAt } = task;
      const body = guarded(folder, () => toBody(task));
      const { changes } = db.write(() => {
        if (removeExpired.run(id, seconds()).changes > 0) forget(id);
        const child = asChild(task);
        if (child) addChild(child);
        const expires = task.expiresAtSeconds ?? null;
        const made = insert.run(id, owner, status, Date.parse(createdAt), dueMs(task), expires, task.revision, body);
        if (made.changes > 0) noteEnd(undefined, task);
        return made;
      });
      await lasting(id);
      if (changes === 0 && !read(id)?.env) forgetEnv(id);
      if (changes > 0) watch.notify(id, task.revision);
      return changes > 0;
    },

    async get(id) {
      await unsynced.get(id);
      expiry.see();
      return read(id);
    },

    async change(id, edit) {
      await unsynced.get(id);
      expiry.see();
      const seen = read(id);
      const task = db.write(() => {
        const before = seen && revisionOf(id) === seen.revision ? seen : find(id);
        if (!before) throw taskNotFound(id);
        const keptFromMs = Math.max(now(), expiry.time());
        const next = edited(before, edit, { nowMs: now(), retentionDays, keptFromMs });
        if (!next) return before;
        update.run(next.status, dueMs(next), next.expiresAtSeconds ?? null, next.revision, toBody(next), id);
        noteEnd(before, next);
        return next;
      });
      if (mustLast(seen)) await lasting(id);
      if (task.envNames && !task.env) forgetEnv(id);
      watch.notify(id, task.revision);
      return task;
    },

    async remove(id) {
      expiry.see();
      return db.write(() => {
        const task = find(id);
        if (!task || !isSettled(task)) return false;
        remove.run(id);
        forget(id);
        return true;
      });
    },

    async list(owner, query) {
      expiry.see();
      return list(owner, query);
    },

    waitForChange: (taskId, seen, timeoutMs, signal) => watch.wait(taskId, seen, timeoutMs, signal),

    close() {
      watch.close();
      db.close();
    },
  };
}

/**
 * Whether a change of a task must survive a power cut before anybody hears of it. The receipt and the end are what a caller
 * relies on; and that the job was handed over must be known before it is, or it would run again. A power cut ends the work in
 * between anyway.
 */
function mustLast(before: Task | undefined): boolean {
  if (!before) return false;
  const { bootId, startAttemptedAtMs } = before.session ?? {};
  const canBeHandedOver = before.channel === "synchronous" || bootId !== undefined;
  const isBeingHandedOver = before.status === "starting" && canBeHandedOver && startAttemptedAtMs === undefined;
  return isBeingHandedOver || before.status === "completing" || before.status === "cancelling";
}

/** When the janitor should look at an open task, in epoch milliseconds. */
function dueMs(task: Task): number | null {
  return isSettled(task) ? null : (task.dueAtMs ?? null);
}
