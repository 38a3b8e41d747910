import type { QueueEntry, TaskStore } from "../domain/ports.ts";
import type { Item, Items } from "./items.ts";
import { queuePartition, queueSort } from "./keys.ts";

/** The queues of all owners: a partition each, sorted by time and task id. */
export function queue(items: Items): Pick<TaskStore, "enqueue" | "dequeue" | "listQueue" | "countAhead"> {
  return {
    async enqueue(entry) {
      const { taskId, profile, queuedAtMs } = entry;
      // The same entry is the same item, so putting it again changes nothing.
      await items.put({ ...keyOf(entry), taskId, profile, queuedAtMs });
    },

    dequeue: (entry) => items.remove(keyOf(entry)),

    async listQueue(owner, limit, after) {
      const pk = queuePartition(owner);
      const where = after
        ? { expression: "#pk = :pk AND #sk > :after", values: { pk, after: queueSort(after) } }
        : { expression: "#pk = :pk", values: { pk } };
      return (await items.first({ where }, limit)).map((item) => toEntry(owner, item));
    },

    async countAhead(entry) {
      const { pk, sk } = keyOf(entry);
      // A position is out of date when it is read; half price is enough.
      return items.count({
        where: { expression: "#pk = :pk AND #sk < :sk", values: { pk, sk } },
        consistent: false,
      });
    },
  };
}

const keyOf = (entry: QueueEntry) => ({ pk: queuePartition(entry.owner), sk: queueSort(entry) });

function toEntry(owner: string, item: Item): QueueEntry {
  const { taskId, profile, queuedAtMs } = item as QueueEntry;
  return { owner, taskId, profile, queuedAtMs };
}
