import type { Holder, SlotAnswer, TaskStore } from "../port.ts";
import { settled } from "./conflicts.ts";
import type { Item, Items } from "./items.ts";
import { slotsKey } from "./keys.ts";
import { ADMITS, type Gate } from "./pauses.ts";

const ALL = "running";
/** Profiles have any name; every attribute name goes through a placeholder, so it needs no other form. */
const ofProfile = (profile: string) => `${ALL}_${profile}`;
/** Counts the writes: a set cannot be added to and taken from in one update, so then it is replaced as it was seen. */
const WRITES = "writes";

const MAX_CONFLICTS = 50;

/**
 * The slots of all owners: one item each, with the ids of running tasks as a set, and again as a set per profile. A slot is taken
 * only where the item says that its owner's tasks may begin, which the write itself sees: no pause costs a request.
 */
export function slots(items: Items, gate: Gate): Pick<TaskStore, "takeSlot" | "releaseSlot" | "listSlots"> {
  const read = async (owner: string): Promise<Item> => (await items.get(slotsKey(owner))) ?? {};
  /** Owners for whom somebody here is taking a slot, or was last refused one. */
  const crowded = new Set<string>();

  const settle = <T>(owner: string, attempt: (item: Item) => Promise<T | undefined>): Promise<T> =>
    settled("the list of running tasks", async () => attempt(await read(owner)), { most: MAX_CONFLICTS });

  /** Replaces both sets if nobody has written since they were seen. */
  const replace = (owner: string, item: Item, next: Sets, hasLanded: (now: Sets) => boolean): Promise<boolean> => {
    const { profile, all, own } = next;
    // An empty set does not exist.
    const parts = Object.entries({ all, own });
    const set = parts.filter(([, ids]) => ids.size > 0).map(([name]) => `#${name} = :${name}`);
    const remove = parts.filter(([, ids]) => ids.size === 0).map(([name]) => `#${name}`);
    const seen = Number(item[WRITES] ?? 0);
    const expression = [
      `SET ${["#writes = :writes", ...set].join(", ")}`,
      ...(remove.length > 0 ? [`REMOVE ${remove.join(", ")}`] : []),
    ].join(" ");
    const values = { writes: seen + 1, ...Object.fromEntries(parts.filter(([, ids]) => ids.size > 0)) };
    const update = { expression, names: namesOf(profile), values: seen > 0 ? { ...values, seen } : values };
    const condition = seen > 0 ? "#writes = :seen" : "attribute_not_exists(#writes)";
    return items.update(slotsKey(owner), update, condition, async () => hasLanded(setsOf(await read(owner), profile)));
  };

  return {
    async takeSlot({ owner, profile, taskId }, limits, lenders = []): Promise<SlotAnswer> {
      const { maxRunning, maxRunningPerProfile } = limits;
      const hasLanded = (now: Sets) => now.all.has(taskId);
      const take = () => {
        const update = {
          expression: "ADD #all :ids, #own :ids, #writes :one",
          names: namesOf(profile),
          values: {
            ...{ ids: new Set([taskId]), one: 1, id: taskId },
            ...{ most: maxRunning, mostOfOwn: maxRunningPerProfile },
          },
        };
        // An empty set does not exist: without the attribute nothing runs.
        const condition = `#admits = :one AND (contains(#all, :id) OR
          ((attribute_not_exists(#all) OR size(#all) < :most)
           AND (attribute_not_exists(#own) OR size(#own) < :mostOfOwn OR contains(#own, :id))))`;
        const landed = async () => hasLanded(setsOf(await read(owner), profile));
        return items.update(slotsKey(owner), update, condition, landed);
      };
      // The write itself proves that there is room. Where tasks queue up most would be refused: reading costs a fifth of that.
      const isAlone = !crowded.has(owner);
      crowded.add(owner);
      const hasRoom = isAlone && (await take());
      const answer = hasRoom
        ? "taken"
        : await settle(owner, async (seen): Promise<SlotAnswer | undefined> => {
            const answer = await gate.open(owner, seen);
            if (answer !== "open") return answer === "paused" ? answer : undefined;
            const item = seen[ADMITS] !== undefined ? seen : await read(owner);
            const { all, own } = setsOf(item, profile);
            if (all.has(taskId)) return "taken";
            const isFull = all.size >= maxRunning;
            const isProfileFull = own.size >= maxRunningPerProfile && !own.has(taskId);
            const lender = isFull ? nearest(lenders, all) : undefined;
            const alike = isProfileFull ? nearest(ofSame(profile, lenders), own) : undefined;
            if (isFull && !lender) return "full";
            if (isProfileFull && !alike) return "profile_full";
            if (!lender && !alike) return (await take()) ? "taken" : undefined;
            const next = { profile, all: replaced(all, lender, taskId), own: replaced(own, alike, taskId) };
            return (await replace(owner, item, next, hasLanded)) ? "taken" : undefined;
          });
      if (answer === "taken") crowded.delete(owner);
      return answer;
    },

    async releaseSlot(owner, { taskId, profile }, heirs = []) {
      const remove = async (): Promise<true> => {
        const values = { ids: new Set([taskId]), one: 1, id: taskId };
        // Refused when it does not hold one, which is as good.
        await items.update(
          slotsKey(owner),
          { expression: "DELETE #all :ids, #own :ids ADD #writes :one", names: namesOf(profile), values },
          "contains(#all, :id) OR contains(#own, :id)",
        );
        return true;
      };
      if (heirs.length === 0) {
        await remove();
        return;
      }
      await settle(owner, async (item) => {
        const { all, own } = setsOf(item, profile);
        const heir = all.has(taskId) ? heirs.find((each) => !all.has(each.taskId)) : undefined;
        const alike = own.has(taskId) ? ofSame(profile, heirs).find((each) => !own.has(each.taskId)) : undefined;
        if (!heir && !alike) return remove();
        const holder = { taskId, profile };
        const next = { profile, all: replaced(all, holder, heir?.taskId), own: replaced(own, holder, alike?.taskId) };
        const isReleased = (now: Sets) => !now.all.has(taskId) && !now.own.has(taskId);
        return (await replace(owner, item, next, isReleased)) ? true : undefined;
      });
    },

    async listSlots(owner) {
      const item = await read(owner);
      const prefix = ofProfile("");
      const byProfile = Object.keys(item).filter((name) => name.startsWith(prefix));
      return {
        running: [...idsOf(item, ALL)],
        byProfile: Object.fromEntries(byProfile.map((name) => [name.slice(prefix.length), [...idsOf(item, name)]])),
      };
    },
  };
}

type Ids = ReadonlySet<string>;
/** The two sets that a task of the profile is in. */
type Sets = { profile: string; all: Ids; own: Ids };

const namesOf = (profile: string) => ({ all: ALL, own: ofProfile(profile), writes: WRITES, admits: ADMITS });

const idsOf = (item: Item, name: string): Ids => {
  const set = Object.hasOwn(item, name) ? item[name] : undefined;
  return set instanceof Set ? set : new Set();
};
const setsOf = (item: Item, profile: string): Sets => ({
  profile,
  all: idsOf(item, ALL),
  own: idsOf(item, ofProfile(profile)),
});

const nearest = (holders: readonly Holder[], ids: Ids) => holders.find(({ taskId }) => ids.has(taskId));
const ofSame = (profile: string, holders: readonly Holder[]) => holders.filter((each) => each.profile === profile);

/** The set without the one, and with the other. */
function replaced(ids: Ids, without: Holder | undefined, add: string | undefined): Ids {
  const next = new Set(ids);
  if (without) next.delete(without.taskId);
  if (add !== undefined) next.add(add);
  return next;
}
