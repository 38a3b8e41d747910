import { isSettled, type Task } from "../../contract/task.ts";
import { parseTask, toStored } from "../stored-task.ts";
import { packTask, unpackTask } from "./compression.ts";
import type { Item } from "./items.ts";
import { type Key, ownerOf, ownerPartition, shardOf, taskIdOf, taskKey } from "./keys.ts";

/** The size of the mark that each write leaves, in bytes, and how many of them an item keeps. */
const MARK_BYTES = 6;
const MARKS = 8;

/** A task as it is stored: what indexes and conditions read, the marks of the last writes, and the task, compressed. */
export type TaskItem = Key &
  Item & { owner: string; created: number; status: string; revision: number; marks: Uint8Array; body: Uint8Array };

/** The item of a task that this write, known by its random mark, puts in place of `before`. */
export function toItem(task: Task, mark: Uint8Array, nowMs: number, before?: TaskItem): TaskItem {
  const { id: _, owner: __, ...record } = toStored(task);
  const open = shardOf(task);
  // One that changes its shard is moved in any case.
  const look = lookOf(task, nowMs, before?.open === open ? before.look : undefined);
  return {
    ...taskKey(task.id),
    owner: ownerPartition(task.owner),
    created: Date.parse(task.createdAt),
    status: task.status,
    revision: task.revision,
    marks: Buffer.concat([mark, before?.marks ?? new Uint8Array()]).subarray(0, MARK_BYTES * MARKS),
    body: packTask(JSON.stringify(record)),
    ...(look !== undefined && { open, look }),
    ...(task.expiresAtSeconds !== undefined && { expires: task.expiresAtSeconds }),
  };
}

/** Throws RefusedError `platform.task_unreadable` or `platform.newer_version`. */
export function toTask({ pk, owner, body }: TaskItem): Task {
  return parseTask(
    taskIdOf(pk),
    () => unpackTask(body),
    (record) => ({ ...record, owner: ownerOf(owner) }),
  );
}

export const newMark = (): Uint8Array => crypto.getRandomValues(new Uint8Array(MARK_BYTES));

/** Whether the write with this mark is among the last that the item has seen. */
export function hasMark({ marks }: TaskItem, mark: Uint8Array): boolean {
  for (let at = 0; at < marks.length; at += MARK_BYTES)
    if (Buffer.compare(marks.subarray(at, at + MARK_BYTES), mark) === 0) return true;
  return false;
}

/** Whether the time of a settled task is over; what is expired stays in the table for a while. */
export const isExpired = ({ expires }: Item, nowMs: number): boolean =>
  typeof expires === "number" && expires <= nowMs / 1000;

/**
 * The place of an open task in the index: never later than it is due, and mostly not later than it was before. Each step
 * pushes `dueAtMs` ahead, and moving an entry costs two writes; so it stays where it is until its time has come. Whoever
 * reads the index finds the true time in the task.
 */
function lookOf(task: Task, nowMs: number, before: unknown): number | undefined {
  const due = isSettled(task) ? undefined : task.dueAtMs;
  if (due === undefined || typeof before !== "number") return due;
  return before <= due && before > nowMs ? before : due;
}
