import type { QueueEntry, TaskStore } from "../domain/ports.ts";
import type { Database } from "./database.ts";

type Queue = Pick<
  TaskStore,
  "enqueue" | "dequeue" | "listQueue" | "countAhead" | "takeSlot" | "releaseSlot" | "listSlots"
>;

type QueueRow = { queued_ms: number; task_id: string; profile: string };
type SlotRow = { task_id: string; profile: string };
type Count = { count: number };

/** The queues and slots of all owners. */
export function queue(db: Database): Queue {
  const add = db.prepare(
    "INSERT INTO queue (owner, queued_ms, task_id, profile) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const remove = db.prepare("DELETE FROM queue WHERE owner = ? AND queued_ms = ? AND task_id = ?");
  const after = db.prepare(
    `SELECT queued_ms, task_id, profile FROM queue WHERE owner = ? AND (queued_ms, task_id) > (?, ?)
     ORDER BY queued_ms, task_id LIMIT ?`,
  );
  const ahead = db.prepare("SELECT count(*) AS count FROM queue WHERE owner = ? AND (queued_ms, task_id) < (?, ?)");

  const slots = db.prepare("SELECT task_id, profile FROM slots WHERE owner = ? ORDER BY task_id");
  const held = db.prepare("SELECT 1 FROM slots WHERE owner = ? AND task_id = ?");
  const inAll = db.prepare("SELECT count(*) AS count FROM slots WHERE owner = ?");
  const inProfile = db.prepare("SELECT count(*) AS count FROM slots WHERE owner = ? AND profile = ?");
  const take = db.prepare("INSERT INTO slots (owner, task_id, profile) VALUES (?, ?, ?)");
  const release = db.prepare("DELETE FROM slots WHERE owner = ? AND profile = ? AND task_id = ?");

  return {
    async enqueue({ owner, queuedAtMs, taskId, profile }) {
      db.write(() => add.run(owner, queuedAtMs, taskId, profile));
    },

    async dequeue({ owner, queuedAtMs, taskId }) {
      return db.write(() => remove.run(owner, queuedAtMs, taskId)).changes > 0;
    },

    async listQueue(owner, limit, from) {
      const rows = db.read(() =>
        after.all(owner, from?.queuedAtMs ?? Number.MIN_SAFE_INTEGER, from?.taskId ?? "", limit),
      );
      return (rows as QueueRow[]).map(
        ({ queued_ms, task_id, profile }): QueueEntry => ({ owner, taskId: task_id, profile, queuedAtMs: queued_ms }),
      );
    },

    async countAhead({ owner, queuedAtMs, taskId }) {
      return (db.read(() => ahead.get(owner, queuedAtMs, taskId)) as Count).count;
    },

    async takeSlot({ owner, profile, taskId }, { maxRunning, maxRunningPerProfile }) {
      return db.write(() => {
        if (held.get(owner, taskId)) return "taken";
        if ((inAll.get(owner) as Count).count >= maxRunning) return "full";
        if ((inProfile.get(owner, profile) as Count).count >= maxRunningPerProfile) return "profile_full";
        take.run(owner, taskId, profile);
        return "taken";
      });
    },

    async releaseSlot(owner, profile, taskId) {
      db.write(() => release.run(owner, profile, taskId));
    },

    async listSlots(owner) {
      const rows = db.read(() => slots.all(owner)) as SlotRow[];
      const byProfile = Map.groupBy(rows, ({ profile }) => profile);
      return Object.fromEntries([...byProfile].map(([profile, held]) => [profile, held.map(({ task_id }) => task_id)]));
    },
  };
}
