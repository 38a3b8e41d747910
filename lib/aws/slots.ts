import { setTimeout as pause } from "node:timers/promises";
import { RetryableError } from "../domain/errors.ts";
import type { SlotAnswer, TaskStore } from "../domain/ports.ts";
import type { Item, Items } from "./items.ts";
import { slotsKey } from "./keys.ts";

const ALL = "running";
/** Profiles have any name; every attribute name goes through a placeholder, so it needs no other form. */
const ofProfile = (profile: string) => `${ALL}_${profile}`;

const MAX_CONFLICTS = 50;

/** The slots of all owners: one item each, with the ids of running tasks as a set, and again as a set per profile. */
export function slots(items: Items): Pick<TaskStore, "takeSlot" | "releaseSlot" | "listSlots"> {
  const read = async (owner: string): Promise<Item> => (await items.get(slotsKey(owner))) ?? {};

  return {
    async takeSlot({ owner, profile, taskId }, { maxRunning, maxRunningPerProfile }): Promise<SlotAnswer> {
      const names = { all: ALL, own: ofProfile(profile) };
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        if (conflicts > 0) await pause(Math.random() * 10 * conflicts);
        // Where tasks queue up most attempts are refused, and a refused write costs five times what this read does.
        const item = await read(owner);
        const all = setOf(item, names.all);
        if (all.has(taskId)) return "taken";
        if (all.size >= maxRunning) return "full";
        if (setOf(item, names.own).size >= maxRunningPerProfile) return "profile_full";
        const update = {
          expression: "ADD #all :ids, #own :ids",
          names,
          values: { ids: new Set([taskId]), id: taskId, most: maxRunning, mostOfOwn: maxRunningPerProfile },
        };
        // An empty set does not exist: without the attribute nothing runs.
        const condition = `contains(#all, :id) OR
          ((attribute_not_exists(#all) OR size(#all) < :most)
           AND (attribute_not_exists(#own) OR size(#own) < :mostOfOwn))`;
        const hasLanded = async () => setOf(await read(owner), names.all).has(taskId);
        if (await items.update(slotsKey(owner), update, condition, hasLanded)) return "taken";
      }
      throw new RetryableError("platform.store_unavailable", "too many tasks of one owner begin at once", {
        hint: "try again in a few seconds",
      });
    },

    async releaseSlot(owner, profile, taskId) {
      const names = { all: ALL, own: ofProfile(profile) };
      const values = { ids: new Set([taskId]), id: taskId };
      // Refused when it does not hold one, which is as good.
      await items.update(
        slotsKey(owner),
        { expression: "DELETE #all :ids, #own :ids", names, values },
        "contains(#own, :id)",
      );
    },

    async listSlots(owner) {
      const prefix = ofProfile("");
      const byProfile = Object.entries(await read(owner)).filter(([name]) => name.startsWith(prefix));
      return Object.fromEntries(byProfile.map(([name, ids]) => [name.slice(prefix.length), [...(ids as Set<string>)]]));
    },
  };
}

const setOf = (item: Item, name: string): ReadonlySet<string> => {
  const set = Object.hasOwn(item, name) ? item[name] : undefined;
  return set instanceof Set ? set : new Set();
};
