import { type Pause, pauseSchema } from "../../contract/stopping/pause.ts";
import type { PauseOf, PauseStore } from "../port.ts";
import type { Database } from "./database.ts";

/** Pauses of admission, a row each; that of everybody has no owner. */
export function pauses(db: Database): PauseStore {
  const put = db.prepare(
    "INSERT INTO pauses (of_owner, owner, by, since_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const remove = db.prepare("DELETE FROM pauses WHERE of_owner = ? AND owner = ? AND by = ?");
  const select = db.prepare(
    "SELECT by, since_ms AS sinceMs FROM pauses WHERE of_owner = 0 OR owner = ? ORDER BY by DESC",
  );
  const owners = db.prepare("SELECT owner FROM slots UNION SELECT owner FROM queue");

  return {
    async pauseAdmission(of, sinceMs) {
      const row = rowOf(of);
      db.write(() => put.run(row.ofOwner, row.owner, row.by, sinceMs));
      await db.synced();
    },

    async resumeAdmission(of) {
      const row = rowOf(of);
      db.write(() => remove.run(row.ofOwner, row.owner, row.by));
    },

    listPauses: async (owner) => db.read(() => select.all(owner ?? null)).map((row): Pause => pauseSchema.parse(row)),

    listOwners: async () => (db.read(() => owners.all()) as { owner: string }[]).map(({ owner }) => owner),
  };
}

const rowOf = (of: PauseOf) =>
  "owner" in of ? { ofOwner: 1, owner: of.owner, by: "owner" } : { ofOwner: 0, owner: "", by: of.everybody };
