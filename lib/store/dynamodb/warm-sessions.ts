import type { Logger } from "../../contract/logger.ts";
import type { WarmStore } from "../port.ts";
import { editedWarm, parseWarm, readableWarm } from "../stored-warm-session.ts";
import { settled } from "./conflicts.ts";
import type { Items } from "./items.ts";
import { warmKey, warmPartition } from "./keys.ts";

/** Sessions that are kept ready for tasks, an item each; every write names the revision that it has seen. */
export function warmSessions(items: Items, log?: Logger): WarmStore {
  return {
    async listWarm(profile) {
      const all = { expression: "#pk = :pk", values: { pk: warmPartition } };
      const own = {
        expression: "#pk = :pk AND begins_with(#sk, :prefix)",
        values: { pk: warmPartition, prefix: `${profile}/` },
      };
      const found = [];
      for await (const page of items.pages({ where: profile === undefined ? all : own })) found.push(...page);
      return readableWarm(
        found.map(({ body }) => body),
        log,
      );
    },

    async changeWarm(id, edit) {
      const { session } = await settled(`session ${id}`, async () => {
        const item = await items.get(warmKey(id));
        const seen = item && parseWarm(item.body);
        const next = editedWarm(id, seen, edit);
        if (!next) return { session: seen };
        // Says which write it was, where the answer to one was lost.
        const mark = crypto.randomUUID();
        const written = { ...warmKey(id), revision: next.revision, body: JSON.stringify(next), mark };
        const condition = item
          ? { expression: "#revision = :seen", values: { seen: item.revision } }
          : { expression: "attribute_not_exists(#pk)" };
        const hasLanded = async () => (await items.get(warmKey(id)))?.mark === mark;
        return (await items.put(written, condition, hasLanded)) ? { session: next } : undefined;
      });
      return session;
    },
  };
}
