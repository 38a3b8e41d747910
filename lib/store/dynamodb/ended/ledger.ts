import type { LedgerEntry } from "../../../contract/costs/ledger.ts";
import { LEDGER_DAYS } from "../../../contract/costs/ledger.ts";
import type { Logger } from "../../../contract/logger.ts";
import { readableEntries } from "../../ledger.ts";
import type { TaskStore } from "../../port.ts";
import type { Items } from "../items.ts";
import { ledgerPartition, ledgerSort } from "../keys.ts";

type Ledger = Pick<TaskStore, "listLedger"> & {
  /** Puts an entry in place of the one of its task; with `isNew` only where there is none. */
  noteEntry(entry: LedgerEntry, isNew: boolean): Promise<void>;
};

/** What tasks took, an item each in the partition of their owner. */
export function ledger(items: Items, log?: Logger): Ledger {
  return {
    async listLedger(owner, { sinceMs, limit, after }) {
      const pk = ledgerPartition(owner);
      const from = ledgerSort({ createdAtMs: Math.max(0, Math.ceil(sinceMs)), taskId: "" });
      const found = await items.first(
        {
          where: { expression: "#pk = :pk AND #sk >= :from", values: { pk, from } },
          newestFirst: true,
          consistent: false,
          ...(after && { startKey: { pk, sk: ledgerSort(after) } }),
        },
        limit,
      );
      return readableEntries(
        found.map(({ body }) => body),
        log,
      );
    },

    async noteEntry(entry, isNew) {
      const key = { pk: ledgerPartition(entry.owner), sk: ledgerSort(entry) };
      const expires = Math.ceil(entry.createdAtMs / 1000) + LEDGER_DAYS * 86_400;
      const item = { ...key, body: JSON.stringify(entry), expires };
      await items.put(item, isNew ? { expression: "attribute_not_exists(#pk)" } : undefined);
    },
  };
}
