import type { LedgerEntry } from "../../contract/costs/ledger.ts";
import type { Ports } from "../ports.ts";

const PAGE = 1000;

/** What an owner's tasks took that were dispatched since then, the newest first, `most` at most; none of anybody else's. */
export async function* entriesOf(
  { store }: Pick<Ports, "store">,
  owner: string,
  { sinceMs, most }: { sinceMs: number; most: number },
): AsyncGenerator<LedgerEntry> {
  let after: LedgerEntry | undefined;
  for (let left = most; left > 0; ) {
    const page = await store.listLedger(owner, { sinceMs, limit: Math.min(PAGE, left), after });
    for (const entry of page) if (entry.owner === owner) yield entry;
    after = page.at(-1);
    if (!after) return;
    left -= page.length;
  }
}
