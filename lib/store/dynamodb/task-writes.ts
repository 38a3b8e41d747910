import { taskNotFound } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import { taskIdSchema } from "../../contract/task-id.ts";
import { type Edit, edited } from "../edited.ts";
import type { TaskStore } from "../port.ts";
import { settled } from "./conflicts.ts";
import type { Items } from "./items.ts";
import { taskKey } from "./keys.ts";
import type { KnownTasks } from "./known-tasks.ts";
import { hasMark, isExpired, newMark, type TaskItem, toItem, toTask } from "./task-item.ts";

const MAX_CONFLICTS = 50;
const WAIT_MS = 1000;
/** What a caller has read just now is not read again before it waits for the next revision. */
const JUST_NOW_MS = 500;

/** Tasks, one item each: every write names the revision that it has seen. */
export function taskWrites(
  items: Items,
  known: KnownTasks,
  now: () => number,
  retentionDays?: number,
): Pick<TaskStore, "create" | "get" | "change" | "waitForChange"> {
  const read = async (id: string): Promise<TaskItem | undefined> => {
    if (!taskIdSchema.safeParse(id).success) return undefined;
    const item = (await items.get(taskKey(id))) as TaskItem | undefined;
    if (!item || isExpired(item, now())) return undefined;
    known.note(item);
    return item;
  };

  /** False when somebody else has written since `before`. Throws when it cannot be told whether this write took effect. */
  const write = async (task: Task, before?: TaskItem): Promise<boolean> => {
    const mark = newMark();
    const item = toItem(task, mark, now(), before);
    const condition = before
      ? { expression: "#revision = :seen", values: { seen: before.revision } }
      : { expression: "attribute_not_exists(#pk) OR #expires <= :now", values: { now: Math.floor(now() / 1000) } };
    const landed = await items.put(item, condition, async () => {
      const stored = await read(task.id);
      return stored !== undefined && hasMark(stored, mark);
    });
    if (landed) known.note(item);
    else known.forget(item.pk);
    return landed;
  };

  const editedItem = (item: TaskItem, edit: Edit): Task | undefined =>
    edited(toTask(item), edit, { nowMs: now(), retentionDays });

  /** The change made on the task as this process knows it, if it stands so; what the edit refuses is decided afresh. */
  const changeKnown = async (id: string, edit: Edit): Promise<Task | undefined> => {
    const item = known.recent(taskKey(id).pk, now());
    if (!item) return undefined;
    let task: Task | undefined;
    try {
      task = editedItem(item, edit);
    } catch {
      return undefined;
    }
    return task && (await write(task, item)) ? task : undefined;
  };

  const change = async (id: string, edit: Edit): Promise<Task> => {
    const changed = await changeKnown(id, edit);
    if (changed) return changed;
    const attempt = async () => {
      const item = await read(id);
      if (!item) throw taskNotFound(id);
      const task = editedItem(item, edit);
      if (!task) return toTask(item);
      return (await write(task, item)) ? task : undefined;
    };
    return settled(`task ${id}`, attempt, { most: MAX_CONFLICTS });
  };

  const inTurn = turns();
  return {
    async create(task) {
      known.forget(taskKey(task.id).pk);
      return write(task);
    },

    async get(id) {
      const item = await read(id);
      return item && toTask(item);
    },

    // In this process one change of a task waits for the other: each would only refuse the other's write.
    change: (id, edit) => inTurn(id, () => change(id, edit)),

    async waitForChange(id, revision, timeoutMs, signal) {
      if (signal?.aborted) return;
      const { pk } = taskKey(id);
      try {
        const item = known.recent(pk, now(), JUST_NOW_MS) ?? (await read(id));
        if (!item || item.revision > revision) return;
      } catch {
        // Whoever waits is told by the next read; until then the store is left alone.
      }
      await known.wait(pk, revision, Math.min(timeoutMs, WAIT_MS), signal);
    },
  };
}

/** Runs what has the same name one after the other. */
function turns() {
  const last = new Map<string, Promise<void>>();
  return <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(name) ?? Promise.resolve()).then(work);
    const over = mine.then(
      () => {},
      () => {},
    );
    last.set(name, over);
    over.then(() => last.get(name) === over && last.delete(name));
    return mine;
  };
}
