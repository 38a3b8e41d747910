import type { QueueEntry, TaskStore } from "../port.ts";
import type { Item, Items } from "./items.ts";
import { queuePartition, queuePrefix, queueSort } from "./keys.ts";

/** The queues of all owners: a partition each, sorted by profile, time and task id. */
export function queue(items: Items): Pick<TaskStore, "enqueue" | "dequeue" | "listQueue" | "countAhead"> {
  const list = async (owner: string, limit: number, sort: string, consistent = true): Promise<QueueEntry[]> => {
    const where = { expression: "#pk = :pk AND #sk > :sort", values: { pk: queuePartition(owner), sort } };
    return (await items.first({ where, consistent }, limit)).map((item) => toEntry(owner, item));
  };

  const isThere = async (entry: QueueEntry) => (await items.get(keyOf(entry))) !== undefined;

  return {
    async enqueue(entry) {
      const { taskId, profile, queuedAtMs, conversation } = entry;
      const more = conversation === undefined ? {} : { conversation };
      const item = { ...keyOf(entry), taskId, profile, queuedAtMs, ...more };
      return items.put(item, { expression: "attribute_not_exists(#pk)" }, () => isThere(entry));
    },

    dequeue: (entry) => items.remove(keyOf(entry)),

    listQueue: (owner, limit, after) =>
      list(owner, limit, after === undefined ? " " : "taskId" in after ? queueSort(after) : endOf(after.profile)),

    async countAhead(entry) {
      const { owner, queuedAtMs, taskId } = entry;
      const pk = queuePartition(owner);
      let count = 0;
      // A position is out of date when it is read; half price is enough.
      let [first] = await list(owner, 1, " ", false);
      while (first) {
        const { profile } = first;
        const values = { pk, from: queuePrefix(profile), to: justBefore(queueSort({ profile, queuedAtMs, taskId })) };
        const where = { expression: "#pk = :pk AND #sk BETWEEN :from AND :to", values };
        count += await items.count({ where, consistent: false });
        [first] = await list(owner, 1, endOf(profile), false);
      }
      return count;
    },
  };
}

const keyOf = (entry: QueueEntry) => ({ pk: queuePartition(entry.owner), sk: queueSort(entry) });

/** After every entry of the profile, and before those of the next. */
const endOf = (profile: string) => `${queuePrefix(profile)}~`;

/** BETWEEN includes its ends: the greatest key of the kind below this one, or one that does not exist. */
const justBefore = (sort: string) =>
  `${sort.slice(0, -1)}${String.fromCharCode(sort.charCodeAt(sort.length - 1) - 1)}~`;

function toEntry(owner: string, item: Item): QueueEntry {
  const { taskId, profile, queuedAtMs, conversation } = item as QueueEntry;
  return { owner, taskId, profile, queuedAtMs, ...(conversation !== undefined && { conversation }) };
}
