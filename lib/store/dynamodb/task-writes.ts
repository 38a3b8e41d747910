import { taskNotFound } from "../../contract/errors.ts";
import { hasEnded, isSettled, type Task } from "../../contract/task.ts";
import { taskIdSchema } from "../../contract/task-id.ts";
import { type Edit, edited } from "../edited.ts";
import type { TaskStore } from "../port.ts";
import { settled } from "./conflicts.ts";
import type { Items } from "./items.ts";
import { taskKey } from "./keys.ts";
import type { KnownTasks } from "./known-tasks.ts";
import { hasMark, isExpired, newMark, type TaskItem, toItem, toTask } from "./task-item.ts";

const MAX_CONFLICTS = 50;
/** Deletes under way at once. */
const AT_ONCE = 24;
const WAIT_MS = 1000;
/** What a caller has read just now is not read again before it waits for the next revision. */
const JUST_NOW_MS = 500;

type Options = {
  now: () => number;
  retentionDays?: number | undefined;
  /** Writes down what a task took that is about to end, or was made as ended: without `before`. Again it changes nothing. */
  noteEnd(before: Task | undefined, after: Task): Promise<void>;
  /** Is told of a task once it has ended, by whoever ended it. Never throws: that has happened. */
  ended(task: Task): Promise<void>;
};

/** Tasks, one item each: every write names the revision that it has seen. */
export function taskWrites(
  items: Items,
  known: KnownTasks,
  { now, retentionDays, noteEnd, ended }: Options,
): Pick<TaskStore, "create" | "get" | "change" | "remove" | "waitForChange"> {
  const read = async (id: string): Promise<TaskItem | undefined> => {
    if (!taskIdSchema.safeParse(id).success) return undefined;
    const item = (await items.get(taskKey(id))) as TaskItem | undefined;
    if (!item || isExpired(item, now())) return undefined;
    known.note(item);
    return item;
  };

  const get = async (id: string): Promise<Task | undefined> => {
    const item = await read(id);
    return item && toTask(item);
  };

  /** False when somebody else has written since `before`. Throws when it cannot be told whether this write took effect. */
  const write = async (task: Task, before?: TaskItem): Promise<boolean> => {
    if (before && hasEnded(task)) await noteEnd(toTask(before), task);
    const mark = newMark();
    const item = toItem(task, mark, now(), before);
    const condition = before
      ? { expression: "#revision = :seen", values: { seen: before.revision } }
      : { expression: "attribute_not_exists(#pk) OR #expires <= :now", values: { now: Math.floor(now() / 1000) } };
    const landed = await items.put(item, condition, async () => {
      const stored = await read(task.id);
      return stored !== undefined && hasMark(stored, mark);
    });
    if (landed && before && hasEnded(task) && !hasEnded(toTask(before))) await ended(task);
    // Who waits in this process hears of it only now.
    if (landed) known.note(item);
    else known.forget(item.pk);
    if (!landed && before && hasEnded(task)) await noteOther(before);
    return landed;
  };

  /** Somebody else has ended it, perhaps otherwise, and what was noted just now may have come last. */
  const noteOther = async (before: TaskItem): Promise<void> => {
    const task = toTask(before);
    const stored = await get(task.id);
    if (stored && hasEnded(stored)) await noteEnd(task, stored);
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
      const isNew = await write(task);
      // Whether it ends here is known only now. Whoever dies before this makes it again, and notes the end of what is there.
      const made = isNew || !hasEnded(task) ? task : await get(task.id);
      if (made && hasEnded(made)) await noteEnd(undefined, made);
      return isNew;
    },

    get,

    // In this process one change of a task waits for the other: each would only refuse the other's write.
    change: (id, edit) => inTurn(id, () => change(id, edit)),

    async remove(id) {
      const item = await read(id);
      if (!item || !isSettled(toTask(item))) return false;
      const { pk } = taskKey(id);
      // From here on it is gone for everybody, whoever dies before the rest is.
      const values = { past: Math.floor(now() / 1000) - 1, seen: item.revision };
      const isGone = await items.update(
        taskKey(id),
        { expression: "SET #expires = :past", values },
        "#revision = :seen",
        async () => (await read(id)) === undefined,
      );
      known.forget(pk);
      if (!isGone) return false;
      for await (const page of items.pages({ where: { expression: "#pk = :pk", values: { pk } } }))
        for (let from = 0; from < page.length; from += AT_ONCE)
          await Promise.all(page.slice(from, from + AT_ONCE).map(({ sk }) => items.remove({ pk, sk: String(sk) })));
      return true;
    },

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
