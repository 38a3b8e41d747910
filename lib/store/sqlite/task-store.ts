import { createHash } from "node:crypto";
import { uptime } from "node:os";
import { taskNotFound } from "../../contract/errors.ts";
import { assertTransition, isTerminal } from "../../contract/lifecycle.ts";
import type { Logger } from "../../contract/logger.ts";
import { isSettled, type Task } from "../../contract/task.ts";
import type { KeyClaim, TaskStore } from "../port.ts";
import { stamp } from "../stamp.ts";
import { artifactList } from "./artifact-list.ts";
import { ChangeWatch } from "./change-watch.ts";
import { children } from "./children.ts";
import { type Durability, openDatabase } from "./database.ts";
import { envFiles } from "./env-files.ts";
import { eventLog } from "./event-log.ts";
import { expiryClock } from "./expiry-clock.ts";
import { leaps } from "./leaps.ts";
import { queue } from "./queue.ts";
import { slots } from "./slots.ts";
import { guarded } from "./store-errors.ts";
import { bodies } from "./task-body.ts";
import { type Position, readCursor, writeCursor } from "./task-cursor.ts";
import { type TaskRow, taskReading } from "./task-reading.ts";

const SWEEP_EVERY_MS = 3_600_000;
const SWEEP_BATCH = 20;
const FIRST: Position = { createdMs: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

type ListedRow = TaskRow & { number: number; created_ms: number };
type KeyRow = { task_id: string; call_hash: string; expires_ms: number };

export type TaskStoreOptions = {
  /** Epoch milliseconds; default the clock. */
  now?: () => number;
  /** Milliseconds by a clock that nobody sets; default how long the machine is up. */
  steady?: () => number;
  /** How long a call waits while another process writes. */
  busyTimeoutMs?: number;
  /** Days for which a settled task stays readable. */
  retentionDays?: number | undefined;
  /** Is told of records that are damaged. */
  log?: Logger;
};

/**
 * The task store on one machine: a SQLite file in the folder, which several processes may have open at once. Throws
 * RetryableError `platform.store_unavailable` when the folder or the file cannot be used, and RefusedError `platform.store_newer` when a newer version of the program wrote the file.
 *
 * @example
 * const store = openTaskStore("/var/lib/agentdispatch");
 */
export function openTaskStore(
  folder: string,
  { now = Date.now, steady = () => uptime() * 1000, busyTimeoutMs = 5000, retentionDays, log }: TaskStoreOptions = {},
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
  const ofOwner = db.prepare(listing(""));
  const ofStatus = db.prepare(listing("AND status = :status"));
  const due = db.prepare("SELECT id FROM tasks WHERE due_ms <= ? ORDER BY due_ms LIMIT ?");
  const expired = db.prepare("SELECT id FROM tasks WHERE expires_s <= ? LIMIT ?");
  const selectKey = db.prepare("SELECT task_id, call_hash, expires_ms FROM keys WHERE hash = ?");
  const putKey = db.prepare("INSERT OR REPLACE INTO keys (hash, task_id, call_hash, expires_ms) VALUES (?, ?, ?, ?)");
  const removeKeys = db.prepare("DELETE FROM keys WHERE expires_ms <= ?");
  const dataVersion = db.prepare("PRAGMA data_version");

  const { forgetEvents, ...events } = eventLog(db);
  const { forgetArtifacts, ...artifacts } = artifactList(db);
  const { addChild, forgetChildren, ...family } = children(db);
  const forget = (id: string) => {
    forgetEvents(id);
    forgetArtifacts(id);
    forgetChildren(id);
  };
  const watch = new ChangeWatch({
    revisionOf: (id) => db.read(() => revision.get(id) as { revision: number } | undefined)?.revision,
    foreignWrites: () => (db.read(() => dataVersion.get()) as { data_version: number }).data_version,
  });

  const expiry = expiryClock(db, now);
  const seconds = () => expiry.time() / 1000;
  const leapMs = leaps(now, steady);
  /** The time by which keys expire: they live too short for the expiry clock, which follows a leap by two days. */
  const keyTime = (nowMs: number) => nowMs - leapMs();
  const files = envFiles(folder);
  const { toBody, toTask } = bodies(files);
  const { find, read, readable, setAsideDamaged } = taskReading(db, { toTask, seconds, log });

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

  /** Deletes what has expired, a batch per transaction, so that no other writer waits long. */
  let nextSweepMs = 0;
  const sweepBatch = () => {
    const ids = (expired.all(seconds(), SWEEP_BATCH) as { id: string }[]).map(({ id }) => id);
    for (const id of ids) {
      remove.run(id);
      forget(id);
    }
    removeKeys.run(keyTime(Math.min(now(), expiry.time())));
    return ids.length;
  };
  const sweep = () => {
    if (now() < nextSweepMs) return;
    nextSweepMs = now() + SWEEP_EVERY_MS;
    expiry.see();
    try {
      while (db.write(sweepBatch) === SWEEP_BATCH);
    } catch {
      // What is kept can be read all the same, on a full disk for instance; whoever writes next is told what is wrong.
    }
  };

  const store: TaskStore & { close(): void } = {
    ...events,
    ...artifacts,
    ...family,
    ...queue(db),
    ...slots(db),

    async create(task) {
      sweep();
      const { id, owner, status, createdAt, parent } = task;
      const body = guarded(folder, () => toBody(task));
      const { changes } = db.write(() => {
        if (removeExpired.run(id, seconds()).changes > 0) forget(id);
        const expires = task.expiresAtSeconds ?? null;
        const created = Date.parse(createdAt);
        if (parent !== undefined) addChild({ parent, taskId: id, atMs: created });
        return insert.run(id, owner, status, created, dueMs(task), expires, task.revision, body);
      }, "power cut");
      if (changes === 0 && !read(id)?.env) forgetEnv(id);
      if (changes > 0) watch.notify(id, task.revision);
      return changes > 0;
    },

    async get(id) {
      expiry.see();
      return read(id);
    },

    async change(id, edit) {
      expiry.see();
      const seen = read(id);
      const isUnchanged = () => (revision.get(id) as { revision: number } | undefined)?.revision === seen?.revision;
      const task = db.write(() => {
        const before = seen && isUnchanged() ? seen : find(id);
        if (!before) throw taskNotFound(id);
        const edited = edit(before);
        if (!edited) return before;
        if (isTerminal(before.status) && edited.status !== before.status)
          assertTransition(before.status, edited.status);
        const { owner, createdAt } = before;
        const after = { ...edited, id, owner, createdAt, revision: before.revision };
        const next = stamp(after, now(), retentionDays, Math.max(now(), expiry.time()));
        update.run(next.status, dueMs(next), next.expiresAtSeconds ?? null, next.revision, toBody(next), id);
        return next;
      }, durabilityOf(seen));
      if (task.envNames && !task.env) forgetEnv(id);
      watch.notify(id, task.revision);
      return task;
    },

    async list(owner, { status, limit, cursor }) {
      expiry.see();
      const from = cursor === undefined ? FIRST : readCursor(owner, cursor);
      const most = Math.max(1, limit);
      const query = { owner, ...from, seconds: seconds(), limit: most + 1 };
      const rows = db.read(() => (status ? ofStatus.all({ ...query, status }) : ofOwner.all(query))) as ListedRow[];
      const items = rows.slice(0, most).flatMap(readable);
      const last = rows.length > most ? rows[most - 1] : undefined;
      return last
        ? { items, cursor: writeCursor(owner, { createdMs: last.created_ms, number: last.number }) }
        : { items };
    },

    async listDue(atMs, limit) {
      return (db.read(() => due.all(atMs, limit)) as { id: string }[]).map(({ id }) => id);
    },

    async claimKey(owner, key, claim, nowMs) {
      const hash = createHash("sha256")
        .update(JSON.stringify([owner, key]))
        .digest("hex");
      const timeMs = keyTime(nowMs);
      return db.write((): KeyClaim => {
        const row = selectKey.get(hash) as KeyRow | undefined;
        if (row && row.expires_ms > timeMs)
          return { taskId: row.task_id, callHash: row.call_hash, expiresAtMs: row.expires_ms };
        putKey.run(hash, claim.taskId, claim.callHash, claim.expiresAtMs);
        return claim;
      });
    },

    waitForChange: (taskId, seen, timeoutMs, signal) => watch.wait(taskId, seen, timeoutMs, signal),

    close() {
      watch.close();
      db.close();
    },
  };
  sweep();
  setAsideDamaged();
  guarded(folder, () => files.sweep(needsEnv, now()));
  return store;
}

/**
 * A page of an owner's tasks, the newest first. A statement for each condition: one that may be left out would keep SQLite
 * from its index.
 */
export const listing = (condition: "" | "AND status = :status"): string =>
  `SELECT number, id, created_ms, body FROM tasks
   WHERE owner = :owner ${condition} AND (created_ms, number) < (:createdMs, :number)
     AND (expires_s IS NULL OR expires_s > :seconds)
   ORDER BY created_ms DESC, number DESC LIMIT :limit`;

/**
 * What a change of a task must survive. The receipt and the end are what a caller relies on; and that the job was handed over
 * must be known before it is, or it would run again. A power cut ends the work in between anyway.
 */
function durabilityOf(before: Task | undefined): Durability {
  if (!before) return "crash";
  const { bootId, startAttemptedAtMs } = before.session ?? {};
  const isBeingHandedOver = before.status === "starting" && bootId !== undefined && startAttemptedAtMs === undefined;
  return isBeingHandedOver || before.status === "completing" || before.status === "cancelling" ? "power cut" : "crash";
}

/** When the janitor should look at an open task, in epoch milliseconds. */
function dueMs(task: Task): number | null {
  return isSettled(task) ? null : (task.dueAtMs ?? null);
}
