import type { Logger } from "../../contract/logger.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import type { RuntimeStore } from "../port.ts";
import { editedRuntime, parseRuntime, readableRuntimes, runtimeExpiry } from "../stored-runtime.ts";
import type { Database } from "./database.ts";

type Runtimes = RuntimeStore & {
  /** Deletes what has expired at a time in epoch seconds, inside the caller's transaction. */
  forgetRuntimes(seconds: number): void;
};

type Options = {
  /** Epoch seconds by which what is kept expires. */
  seconds(): number;
  log?: Logger | undefined;
};

/** Runtimes that tasks share, a row each. */
export function runtimes(db: Database, { seconds, log }: Options): Runtimes {
  const isKept = "(expires_s IS NULL OR expires_s > ?)";
  const select = db.prepare(`SELECT body FROM runtimes WHERE id = ? AND ${isKept}`);
  const all = db.prepare(`SELECT body FROM runtimes WHERE ${isKept} ORDER BY id`);
  const alike = db.prepare(`SELECT body FROM runtimes WHERE ${isKept} AND fingerprint = ? ORDER BY id`);
  const put = db.prepare(
    "INSERT OR REPLACE INTO runtimes (id, fingerprint, revision, expires_s, body) VALUES (?, ?, ?, ?, ?)",
  );
  const removeExpired = db.prepare("DELETE FROM runtimes WHERE expires_s <= ?");

  const find = (id: string): SharedRuntime | undefined => {
    const row = select.get(id, seconds()) as { body: string } | undefined;
    return row && parseRuntime(row.body);
  };

  const write = (id: string, seen: SharedRuntime | undefined, next: SharedRuntime | undefined) => {
    if (!next) return seen;
    const expires = runtimeExpiry(next, seconds() * 1000) ?? null;
    put.run(id, next.fingerprint, next.revision, expires, JSON.stringify(next));
    return next;
  };

  return {
    async getRuntime(id) {
      return db.read(() => find(id));
    },

    async listRuntimes(fingerprint) {
      const rows = db.read(() =>
        fingerprint === undefined ? all.all(seconds()) : alike.all(seconds(), fingerprint),
      ) as { body: string }[];
      return readableRuntimes(rows, ({ body }) => parseRuntime(body), log);
    },

    async changeRuntime(id, edit) {
      const runtime = db.write(() => {
        const seen = find(id);
        return write(id, seen, editedRuntime(id, seen, edit));
      });
      // By its name alone it could be found after a power cut, and nothing else knows that.
      if (runtime?.revision === 1) await db.synced();
      return runtime;
    },

    async takeRuntime(id, taskId, atMs) {
      return db.write(() => {
        const seen = find(id);
        if (!seen || !isLive(seen)) return false;
        const users = [...new Set([...seen.users, taskId])].sort();
        write(id, seen, { ...seen, users, lastUsedAtMs: atMs, revision: seen.revision + 1 });
        return true;
      });
    },

    async releaseRuntime(id, taskId, atMs) {
      db.write(() => {
        const seen = find(id);
        if (!seen?.users.includes(taskId)) return;
        const users = seen.users.filter((user) => user !== taskId);
        write(id, seen, { ...seen, users, lastUsedAtMs: atMs, revision: seen.revision + 1 });
      });
    },

    forgetRuntimes: (at) => void removeExpired.run(at),
  };
}
