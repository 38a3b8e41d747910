import { RETENTION_DAYS } from "../../contract/task.ts";
import type { Child, TaskStore } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import type { Items } from "./items.ts";
import { childSort, firstChild, lastChild, taskPartition } from "./keys.ts";

type Children = Pick<TaskStore, "listChildren" | "removeChild"> & {
  /** Adds one; repeating changes nothing. */
  addChild(child: Child): Promise<void>;
};

/** The children of all tasks, an item each beside the parent's own. */
export function children(items: Items, now: () => number, retentionDays = RETENTION_DAYS): Children {
  return {
    async listChildren(parent, limit, after) {
      const from = after ? `${childSort(after)}!` : firstChild;
      const values = { pk: taskPartition(parent), from, to: lastChild };
      const where = { expression: "#pk = :pk AND #sk BETWEEN :from AND :to", values };
      const found = (await items.first({ where }, limit)) as unknown as Child[];
      return found.map(({ taskId, atMs }) => ({ parent, taskId, atMs }));
    },

    async removeChild(child) {
      await items.remove(keyOf(child));
    },

    async addChild(child) {
      const { taskId, atMs } = child;
      await items.put({ ...keyOf(child), taskId, atMs, expires: beyondRetention(now(), retentionDays) });
    },
  };
}

const keyOf = (child: Child) => ({ pk: taskPartition(child.parent), sk: childSort(child) });
