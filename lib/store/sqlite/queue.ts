import type { QueueEntry, TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type QueueRow = { queued_ms: number; task_id: string; profile: string; conversation: string | null };

/** The queues of all owners. */
export function queue(db: Database): Pick<TaskStore, "enqueue" | "dequeue" | "listQueue" | "countAhead"> {
  const add = db.prepare(
    "INSERT INTO queue (owner, profile, queued_ms, task_id, conversation) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const remove = db.prepare("DELETE FROM queue WHERE owner = ? AND profile = ? AND queued_ms = ? AND task_id = ?");
  const following = db.prepare(
    `SELECT profile, queued_ms, task_id, conversation FROM queue WHERE owner = ? AND (profile, queued_ms, task_id) > (?, ?, ?)
     ORDER BY profile, queued_ms, task_id LIMIT ?`,
  );
  const ahead = db.prepare("SELECT count(*) AS count FROM queue WHERE owner = ? AND (queued_ms, task_id) < (?, ?)");

  return {
    async enqueue({ owner, queuedAtMs, taskId, profile, conversation }) {
      return db.write(() => add.run(owner, profile, queuedAtMs, taskId, conversation ?? null)).changes > 0;
    },

    async dequeue({ owner, queuedAtMs, taskId, profile }) {
      return db.write(() => remove.run(owner, profile, queuedAtMs, taskId)).changes > 0;
    },

    async listQueue(owner, limit, after = { profile: "" }) {
      const place = "taskId" in after ? ([after.queuedAtMs, after.taskId] as const) : endOf(after.profile);
      const rows = db.read(() => following.all(owner, after.profile, ...place, limit));
      return (rows as QueueRow[]).map(
        ({ queued_ms, task_id, profile, conversation }): QueueEntry => ({
          owner,
          taskId: task_id,
          profile,
          queuedAtMs: queued_ms,
          ...(conversation !== null && { conversation }),
        }),
      );
    },

    async countAhead({ owner, queuedAtMs, taskId }) {
      return (db.read(() => ahead.get(owner, queuedAtMs, taskId)) as { count: number }).count;
    },
  };
}

/** The last place of a profile's queue; no profile has an empty name, and its queue ends before all others. */
const endOf = (profile: string) => [profile === "" ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER, ""] as const;
