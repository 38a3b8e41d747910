import type { LedgerEntry } from "../../../contract/costs/ledger.ts";
import type { Logger } from "../../../contract/logger.ts";
import { ledgerStartMs, readableEntries } from "../../ledger.ts";
import type { TaskStore } from "../../port.ts";
import type { Database } from "../database.ts";

type Ledger = Pick<TaskStore, "listLedger"> & {
  /** Puts an entry in place of the one of its task, inside the caller's transaction. */
  noteEntry(entry: LedgerEntry): void;
  /** Deletes what is too old at a time in epoch seconds, inside the caller's transaction. */
  forgetEntries(seconds: number): void;
};

/** What tasks took, a row each. */
export function ledger(db: Database, log?: Logger): Ledger {
  const put = db.prepare("INSERT OR REPLACE INTO ledger (owner, created_ms, task_id, body) VALUES (?, ?, ?, ?)");
  const select = db.prepare(
    `SELECT body FROM ledger WHERE owner = ? AND created_ms >= ? AND (created_ms, task_id) < (?, ?)
     ORDER BY created_ms DESC, task_id DESC LIMIT ?`,
  );
  const removeOld = db.prepare("DELETE FROM ledger WHERE created_ms < ?");

  return {
    async listLedger(owner, { sinceMs, limit, after }) {
      const { createdAtMs = Number.MAX_SAFE_INTEGER, taskId = "" } = after ?? {};
      const rows = db.read(() => select.all(owner, Math.ceil(sinceMs), createdAtMs, taskId, limit)) as {
        body: string;
      }[];
      return readableEntries(
        rows.map(({ body }) => body),
        log,
      );
    },

    noteEntry: (entry) => void put.run(entry.owner, entry.createdAtMs, entry.taskId, JSON.stringify(entry)),
    forgetEntries: (seconds) => void removeOld.run(ledgerStartMs(seconds * 1000)),
  };
}
