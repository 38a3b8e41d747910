import { createHash } from "node:crypto";
import type { KeyClaim, TaskStore } from "../port.ts";
import type { Database } from "./database.ts";
import { leaps } from "./leaps.ts";

type KeyRow = { task_id: string; call_hash: string; expires_ms: number };

type Claims = Pick<TaskStore, "claimKey"> & {
  /** Deletes what has expired at a time in epoch milliseconds, inside the caller's transaction. */
  forgetClaims(nowMs: number): void;
};

/**
 * Idempotency keys of all owners. They live too short for the expiry clock, which follows a leap of the clock by two days:
 * their time is the clock's without its leaps.
 */
export function claims(db: Database, now: () => number, steady: () => number): Claims {
  const select = db.prepare("SELECT task_id, call_hash, expires_ms FROM keys WHERE hash = ?");
  const put = db.prepare("INSERT OR REPLACE INTO keys (hash, task_id, call_hash, expires_ms) VALUES (?, ?, ?, ?)");
  const removeExpired = db.prepare("DELETE FROM keys WHERE expires_ms <= ?");
  const leapMs = leaps(now, steady);

  return {
    async claimKey(owner, key, claim, nowMs) {
      const hash = createHash("sha256")
        .update(JSON.stringify([owner, key]))
        .digest("hex");
      const timeMs = nowMs - leapMs();
      return db.write((): KeyClaim => {
        const row = select.get(hash) as KeyRow | undefined;
        if (row && row.expires_ms > timeMs)
          return { taskId: row.task_id, callHash: row.call_hash, expiresAtMs: row.expires_ms };
        put.run(hash, claim.taskId, claim.callHash, claim.expiresAtMs);
        return claim;
      });
    },

    forgetClaims: (nowMs) => void removeExpired.run(nowMs - leapMs()),
  };
}
