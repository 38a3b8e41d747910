import type { Child, TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type ChildRow = { task_id: string; at_ms: number };

type Children = Pick<TaskStore, "listChildren" | "removeChild"> & {
  /** Adds one, inside the caller's transaction. */
  addChild(child: Child): void;
  /** Deletes what a parent left, inside the caller's transaction. */
  forgetChildren(parent: string): void;
};

/** The children of all tasks. */
export function children(db: Database): Children {
  const add = db.prepare("INSERT INTO children (parent, at_ms, task_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const remove = db.prepare("DELETE FROM children WHERE parent = ? AND at_ms = ? AND task_id = ?");
  const removeAll = db.prepare("DELETE FROM children WHERE parent = ?");
  const following = db.prepare(
    `SELECT at_ms, task_id FROM children WHERE parent = ? AND (at_ms, task_id) > (?, ?)
     ORDER BY at_ms, task_id LIMIT ?`,
  );

  return {
    async listChildren(parent, limit, after) {
      const rows = db.read(() =>
        following.all(parent, after?.atMs ?? Number.MIN_SAFE_INTEGER, after?.taskId ?? "", limit),
      ) as ChildRow[];
      return rows.map(({ task_id, at_ms }): Child => ({ parent, taskId: task_id, atMs: at_ms }));
    },

    async removeChild({ parent, atMs, taskId }) {
      db.write(() => remove.run(parent, atMs, taskId));
    },

    addChild: ({ parent, atMs, taskId }) => void add.run(parent, atMs, taskId),
    forgetChildren: (parent) => void removeAll.run(parent),
  };
}
