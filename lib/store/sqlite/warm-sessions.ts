import type { Logger } from "../../contract/logger.ts";
import type { WarmStore } from "../port.ts";
import { editedWarm, parseWarm, readableWarm } from "../stored-warm-session.ts";
import type { Database } from "./database.ts";

/** Sessions that are kept ready for tasks, a row each. */
export function warmSessions(db: Database, log?: Logger): WarmStore {
  const all = db.prepare("SELECT body FROM warm_sessions ORDER BY id");
  const own = db.prepare("SELECT body FROM warm_sessions WHERE profile = ? ORDER BY id");
  const select = db.prepare("SELECT body FROM warm_sessions WHERE id = ?");
  const put = db.prepare("INSERT OR REPLACE INTO warm_sessions (id, profile, body) VALUES (?, ?, ?)");

  return {
    async listWarm(profile) {
      const rows = db.read(() => (profile === undefined ? all.all() : own.all(profile))) as { body: string }[];
      return readableWarm(
        rows.map(({ body }) => body),
        log,
      );
    },

    async changeWarm(id, edit) {
      const written = db.write(() => {
        const row = select.get(id) as { body: string } | undefined;
        const seen = row && parseWarm(row.body);
        const next = editedWarm(id, seen, edit);
        if (next) put.run(id, next.profile, JSON.stringify(next));
        return { session: next ?? seen, isNew: next?.state === "making" };
      });
      // By its name alone it could be stopped after a power cut, and nothing else knows that.
      if (written.isNew) await db.synced();
      return written.session;
    },
  };
}
