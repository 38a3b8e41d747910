import type { Database } from "./database.ts";

const EVERY_MS = 3_600_000;
const BATCH = 20;

type Options = {
  now(): number;
  /** The time by which tasks expire, in epoch milliseconds. */
  expiryTime(): number;
  /** Deletes what a task left beside its row, inside the caller's transaction. */
  forget(taskId: string): void;
  forgetClaims(nowMs: number): void;
  /** Deletes what else has expired at a time in epoch seconds, inside the caller's transaction. */
  forgetOthers(seconds: number): void;
};

/**
 * Deletes what has expired, at most once an hour however often it is called; a batch per transaction, so that no other writer
 * waits long.
 */
export function sweeper(db: Database, { now, expiryTime, forget, forgetClaims, forgetOthers }: Options): () => void {
  const expired = db.prepare("SELECT id FROM tasks WHERE expires_s <= ? LIMIT ?");
  const remove = db.prepare("DELETE FROM tasks WHERE id = ?");
  let nextMs = 0;

  const sweepBatch = () => {
    const rows = expired.all(expiryTime() / 1000, BATCH) as { id: string }[];
    for (const { id } of rows) {
      remove.run(id);
      forget(id);
    }
    forgetClaims(Math.min(now(), expiryTime()));
    forgetOthers(expiryTime() / 1000);
    return rows.length;
  };
  return () => {
    if (now() < nextMs) return;
    nextMs = now() + EVERY_MS;
    try {
      while (db.write(sweepBatch) === BATCH);
    } catch {
      // What is kept can be read all the same, on a full disk for instance; whoever writes next is told what is wrong.
    }
  };
}
