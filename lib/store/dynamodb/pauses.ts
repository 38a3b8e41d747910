import { defined } from "../../contract/json.ts";
import type { Pause } from "../../contract/stopping/pause.ts";
import type { PauseStore } from "../port.ts";
import { settled } from "./conflicts.ts";
import type { Item, Items } from "./items.ts";
import { everybodyKey, ownerKey, ownersPartition, slotsKey } from "./keys.ts";

/** In the item of an owner's slots: there while its tasks may begin, as far as anybody knows. */
export const ADMITS = "admits";

/** Owners whose items are closed at once. */
const AT_ONCE = 25;

/** What lets an owner's tasks begin where its item of slots does not say yet that they may. */
export type Gate = {
  /** `again` where somebody else has written meanwhile. `item` is that of the owner's slots, as it was read. */
  open(owner: string, item: Item): Promise<"open" | "paused" | "again">;
};

/**
 * Pauses of admission. Whoever takes a slot asks nothing of a pause: the item of its owner's slots says whether they may
 * begin, and the write that takes one holds by it. A pause of the owner is in that item. A pause of everybody is an item of
 * its own, and closes those of all owners, who are listed; an owner who is new is closed, so that it is listed, and asks,
 * before its first task begins. Each change of that item counts up: what was seen of an older one opens nothing.
 */
export function pauses(items: Items): PauseStore & { gate: Gate } {
  const readAll = async () => (await items.get(everybodyKey)) ?? {};

  async function* allOwners(): AsyncGenerator<string[]> {
    const where = { expression: "#pk = :pk", values: { pk: ownersPartition } };
    for await (const page of items.pages({ where })) yield page.map(({ name }) => String(name));
  }

  /** Resolves with the item as it then stands. */
  const change = (edit: (now: Item) => Item | undefined): Promise<Item> =>
    settled("the pause of everybody's admission", async () => {
      const seen = await readAll();
      const next = edit(seen);
      if (!next) return seen;
      const mark = crypto.randomUUID();
      const revision = revisionOf(seen);
      const condition =
        revision > 0
          ? { expression: "#revision = :seen", values: { seen: revision } }
          : { expression: "attribute_not_exists(#revision)" };
      const item = { ...everybodyKey, ...next, revision: revision + 1, mark };
      return (await items.put(item, condition, async () => (await readAll()).mark === mark)) ? item : undefined;
    });

  const close = (owner: string, revision: number) =>
    items.update(
      slotsKey(owner),
      {
        expression: "SET #closedBy = :revision REMOVE #admits ADD #writes :one",
        values: { revision, one: 1 },
      },
      "attribute_not_exists(#closedBy) OR #closedBy < :revision",
    );

  const openFor = async (owner: string) => {
    await items.put({ ...ownerKey(owner), name: owner });
    const all = await readAll();
    if (pausesOf(all).length > 0) return "paused";
    const update = { expression: "SET #admits = :one ADD #writes :one", values: { one: 1, seen: revisionOf(all) } };
    const condition = "attribute_not_exists(#pausedAtMs) AND (attribute_not_exists(#closedBy) OR #closedBy <= :seen)";
    return (await items.update(slotsKey(owner), update, condition)) ? "open" : "again";
  };
  /** By owner, so that many who want a slot at once ask only once. */
  const opening = new Map<string, ReturnType<typeof openFor>>();

  return {
    gate: {
      async open(owner, item) {
        if (item.pausedAtMs !== undefined) return "paused";
        if (item[ADMITS] !== undefined) return "open";
        const answer = opening.get(owner) ?? openFor(owner).finally(() => opening.delete(owner));
        opening.set(owner, answer);
        return answer;
      },
    },

    async pauseAdmission(of, sinceMs) {
      if ("owner" in of) {
        const expression = "SET #pausedAtMs = :at REMOVE #admits ADD #writes :one";
        await items.update(
          slotsKey(of.owner),
          { expression, values: { at: sinceMs, one: 1 } },
          "attribute_not_exists(#pausedAtMs)",
        );
        return;
      }
      const now = await change((seen) =>
        seen[of.everybody] === undefined ? { ...sinceOf(seen), [of.everybody]: sinceMs } : undefined,
      );
      // Also where it was paused already: whoever did that may have died on the way.
      for await (const page of allOwners())
        for (let from = 0; from < page.length; from += AT_ONCE)
          await Promise.all(page.slice(from, from + AT_ONCE).map((owner) => close(owner, revisionOf(now))));
    },

    async resumeAdmission(of) {
      if ("owner" in of) {
        const expression = "REMOVE #pausedAtMs ADD #writes :one";
        await items.update(slotsKey(of.owner), { expression, values: { one: 1 } }, "attribute_exists(#pausedAtMs)");
        return;
      }
      // Each owner is opened again by whoever next wants one of its slots.
      await change((seen) => {
        const { [of.everybody]: ended, ...others } = sinceOf(seen);
        return ended === undefined ? undefined : others;
      });
    },

    async listPauses(owner) {
      const keys = [everybodyKey, ...(owner === undefined ? [] : [slotsKey(owner)])];
      const found = await items.getAll(keys, true);
      return found.flatMap((item): Pause[] => {
        if (item.pk === everybodyKey.pk) return pausesOf(item);
        return item.pausedAtMs === undefined ? [] : [{ by: "owner", sinceMs: Number(item.pausedAtMs) }];
      });
    },

    async listOwners() {
      const owners: string[] = [];
      for await (const page of allOwners()) owners.push(...page);
      return owners;
    },
  };
}

/** Since when each has paused everybody's: an operator and the deletion of the stack may both, and each ends its own. */
const sinceOf = ({ operator, deletion }: Item) => defined({ operator, deletion });

const pausesOf = (item: Item): Pause[] =>
  (["operator", "deletion"] as const).flatMap((by) =>
    item[by] === undefined ? [] : [{ by, sinceMs: Number(item[by]) }],
  );

const revisionOf = ({ revision }: Item): number => Number(revision ?? 0);
