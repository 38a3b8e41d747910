import { type Answer, placeOf } from "../../answers.ts";
import type { TaskStore } from "../../port.ts";
import type { Database } from "../database.ts";

type Answers = Pick<TaskStore, "findAnswer" | "noteLookup" | "answerStats" | "clearAnswers"> & {
  /** Puts an answer in its place, inside the caller's transaction. */
  putAnswer(owner: string, answer: Answer): void;
};

/** The answers that the same requests may have again, a row each. */
export function answers(db: Database): Answers {
  const put = db.prepare("INSERT OR REPLACE INTO answers (owner, place, key, task_id, at_ms) VALUES (?, ?, ?, ?, ?)");
  const select = db.prepare("SELECT task_id FROM answers WHERE owner = ? AND place = ? AND key = ?");
  const size = db.prepare("SELECT count(*) AS size FROM answers WHERE owner = ? AND at_ms > ?");
  const removeAll = db.prepare("DELETE FROM answers WHERE owner = ?");
  const counts = db.prepare("SELECT hits, misses FROM answer_lookups WHERE owner = ?");
  const forgetCounts = db.prepare("DELETE FROM answer_lookups WHERE owner = ?");
  const count = db.prepare(
    `INSERT INTO answer_lookups (owner, hits, misses) VALUES (:owner, :hit, :miss)
     ON CONFLICT DO UPDATE SET hits = hits + :hit, misses = misses + :miss`,
  );
  const sizeOf = (owner: string, sinceMs: number) => (size.get(owner, sinceMs) as { size: number }).size;

  return {
    async findAnswer(owner, key) {
      const row = db.read(() => select.get(owner, placeOf(key), key)) as { task_id: string } | undefined;
      return row?.task_id;
    },

    async noteLookup(owner, found) {
      db.write(() => count.run({ owner, hit: found ? 1 : 0, miss: found ? 0 : 1 }));
    },

    async answerStats(owner, sinceMs) {
      return db.read(() => {
        const { hits = 0, misses = 0 } = (counts.get(owner) ?? {}) as { hits?: number; misses?: number };
        return { size: sizeOf(owner, sinceMs), hits, misses };
      });
    },

    async clearAnswers(owner, { sinceMs }) {
      return db.write(() => {
        const cleared = sizeOf(owner, sinceMs);
        removeAll.run(owner);
        forgetCounts.run(owner);
        return cleared;
      });
    },

    putAnswer: (owner, { key, taskId, atMs }) => void put.run(owner, placeOf(key), key, taskId, atMs),
  };
}
