import * as z from "zod";
import type { Logger } from "../../contract/logger.ts";
import { isSettled, type Task } from "../../contract/task.ts";
import { taskIdSchema } from "../../contract/task-id.ts";
import { taskCursors } from "../cursor.ts";
import type { TaskStore } from "../port.ts";
import { isNewer, isUnreadable } from "../stored-task.ts";
import type { Item, Items } from "./items.ts";
import { openShards, ownerPartition, taskIdOf, taskKey } from "./keys.ts";
import { tableDescription } from "./table.ts";
import { isExpired, type TaskItem, toTask } from "./task-item.ts";

const { byOwner, open } = tableDescription;

/** Where a page of an owner's tasks ended. */
type Position = { created: number; taskId: string };
const cursors = taskCursors<Position>(z.object({ created: z.int(), taskId: taskIdSchema }));

/**
 * A listing that filters by status reads at most about this many tasks; then it returns what it has, and a cursor. The index
 * does not hold the status: an entry that follows it would cost a write for each of a task's changes, which is more than
 * one such listing of a thousand small tasks (500 read units, $0.00006) for every sixteen tasks that are dispatched.
 */
const MAX_READ = 1000;
const PAGE = 100;

/** An open task, and when it is due. */
type Due = { id: string; dueAtMs: number };

/** Lists of tasks: the indexes name them, the items are read. */
export function taskLists(items: Items, now: () => number, log?: Logger): Pick<TaskStore, "list" | "listDue"> {
  /** One that is damaged is out of everybody's way: it leaves the index of open tasks, and is seen when asked for. */
  const setAside = async (item: TaskItem, error: unknown) => {
    log?.error("the record of a task is damaged; it is set aside", { taskId: taskIdOf(item.pk), error: String(error) });
    if (item.open === undefined) return;
    const values = { seen: item.revision };
    await items.update(taskKey(taskIdOf(item.pk)), { expression: "REMOVE #open, #look", values }, "#revision = :seen");
  };
  /** The task of an item; none where it is damaged, or where a newer version of the program wrote it. */
  const readable = async (item: TaskItem): Promise<Task[]> => {
    try {
      return [toTask(item)];
    } catch (error) {
      if (isUnreadable(error)) await setAside(item, error.cause);
      else if (!isNewer(error)) throw error;
      return [];
    }
  };

  /** An open task of an item, and when it is due. One that a newer version of the program wrote says so by its place alone. */
  const dueOf = async (item: TaskItem): Promise<Due[]> => {
    try {
      const task = toTask(item);
      return isSettled(task) ? [] : [{ id: task.id, dueAtMs: task.dueAtMs ?? Number.POSITIVE_INFINITY }];
    } catch (error) {
      if (isNewer(error)) return typeof item.look === "number" ? [{ id: taskIdOf(item.pk), dueAtMs: item.look }] : [];
      if (!isUnreadable(error)) throw error;
      await setAside(item, error.cause);
      return [];
    }
  };

  /** What index entries stand for, in their order; gone and expired ones are left out. */
  const readAll = async <T>(
    entries: Item[],
    consistent: boolean,
    of: (item: TaskItem) => Promise<T[]>,
  ): Promise<T[]> => {
    const keys = entries.map(({ pk }) => taskKey(taskIdOf(pk)));
    const found = (await items.getAll(keys, consistent)) as TaskItem[];
    const byKey = new Map(found.map((item) => [item.pk, item]));
    const all = keys.map(({ pk }) => {
      const item = byKey.get(pk);
      return item && !isExpired(item, now()) ? of(item) : [];
    });
    return (await Promise.all(all)).flat();
  };

  const dueInShard = async (shard: string, atMs: number, limit: number): Promise<Due[]> => {
    const due: Due[] = [];
    const where = { expression: "#open = :shard AND #look <= :at", values: { shard, at: atMs } };
    for await (const entries of items.pages({ where, index: open.name, pageSize: PAGE })) {
      for (const one of await readAll(entries, true, dueOf)) if (one.dueAtMs <= atMs) due.push(one);
      // No entry that follows can be due before its place in the index.
      const place = Number(entries.at(-1)?.look ?? 0);
      if (due.filter(({ dueAtMs }) => dueAtMs <= place).length >= limit) break;
    }
    return due;
  };

  return {
    async list(owner, { status, limit, cursor }) {
      const most = Math.max(1, limit);
      const from = cursor === undefined ? undefined : cursors.read(owner, cursor);
      const found: Task[] = [];
      let read = 0;
      let last: Position | undefined;
      const pages = items.pages({
        where: { expression: "#owner = :owner", values: { owner: ownerPartition(owner) } },
        index: byOwner.name,
        newestFirst: true,
        pageSize: status === undefined ? Math.min(most + 1, PAGE) : PAGE,
        ...(from && { startKey: { ...taskKey(from.taskId), owner: ownerPartition(owner), created: from.created } }),
      });
      for await (const entries of pages) {
        read += entries.length;
        const tasks = await readAll(entries, false, readable);
        found.push(...tasks.filter((task) => status === undefined || task.status === status));
        if (found.length > most) {
          last = positionOf(found[most - 1]);
          break;
        }
        const entry = entries.at(-1);
        if (read >= MAX_READ && entry) {
          last = { created: Number(entry.created), taskId: taskIdOf(entry.pk) };
          break;
        }
      }
      const page = found.slice(0, most);
      return last ? { items: page, cursor: cursors.write(owner, last) } : { items: page };
    },

    async listDue(atMs, limit, among = "all") {
      const shards = among === "all" ? [...openShards.begun, ...openShards.queued] : openShards[among];
      const due = await Promise.all(shards.map((shard) => dueInShard(shard, atMs, limit)));
      const inOrder = due.flat().sort((a, b) => a.dueAtMs - b.dueAtMs);
      return inOrder.slice(0, limit).map(({ id }) => id);
    },
  };
}

const positionOf = (task: Task | undefined): Position | undefined =>
  task && { created: Date.parse(task.createdAt), taskId: task.id };
