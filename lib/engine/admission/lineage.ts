import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import type { Child } from "../../store/port.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";

/** The tasks above one, its parent first; what the store has forgotten, or cannot read, ends the line. */
export async function lineage({ store }: Ports, { parent }: Pick<Task, "parent">): Promise<Task[]> {
  const above: Task[] = [];
  for (let id = parent; id !== undefined; id = above.at(-1)?.parent) {
    const task = await readable(store, id);
    if (!task) break;
    above.push(task);
  }
  return above;
}

const PAGE = 25;

/** The children of a task, the oldest first; with those that were never made. */
export async function* childrenOf({ store }: Ports, parent: string): AsyncGenerator<Child> {
  for (let after: Child | undefined; ; ) {
    const page = await store.listChildren(parent, PAGE, after);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1);
  }
}

/**
 * Takes a task that is over off its parent's children, so that they do not grow without end, unless it has children left
 * itself: those are found through it, and the last of them takes it off.
 */
export async function leaveParent(ports: Ports, task: Pick<Task, "id" | "parent" | "createdAt">): Promise<void> {
  const { id, parent, createdAt } = task;
  if (parent === undefined || (await ports.store.listChildren(id, 1)).length > 0) return;
  await ports.store.removeChild({ parent, taskId: id, atMs: Date.parse(createdAt) });
  const above = await readable(ports.store, parent);
  if (above && isTerminal(above.status)) await leaveParent(ports, above);
}
