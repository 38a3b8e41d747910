import { createHash } from "node:crypto";
import type { Child, QueueEntry } from "../port.ts";

/** The primary key of an item. */
export type Key = { pk: string; sk: string };

/** Enough digits for any number that is sorted as text: sequences, offsets, epoch milliseconds. */
const padded = (number: number) => String(number).padStart(15, "0");

export const taskPartition = (taskId: string) => `TASK#${taskId}`;
export const taskKey = (taskId: string): Key => ({ pk: taskPartition(taskId), sk: "TASK" });

/** The id in the partition key of a task's items. */
export const taskIdOf = (pk: unknown) => String(pk).slice("TASK#".length);

export const eventSort = (sequence: number) => `EVENT#${padded(sequence)}`;
export const logSort = (offset: number) => `LOG#${padded(offset)}`;
export const artifactsKey = (taskId: string, page: number): Key => ({
  pk: taskPartition(taskId),
  sk: `ARTIFACTS#${padded(page)}`,
});
/** Sorts after everything that `eventSort` or `logSort` gives. */
export const lastEvent = "EVENT#~";
export const lastLog = "LOG#~";

const childPrefix = "CHILD#";
export const childSort = ({ atMs, taskId }: Omit<Child, "parent">) => `${childPrefix}${padded(atMs)}#${taskId}`;
export const firstChild = childPrefix;
/** Sorts after everything that `childSort` gives. */
export const lastChild = `${childPrefix}~`;

export const conversationKey = (id: string): Key => ({ pk: `CONVERSATION#${id}`, sk: "CONVERSATION" });

export const queuePartition = (owner: string) => `QUEUES#${owner}`;
export const queueSort = ({ profile, queuedAtMs, taskId }: Omit<QueueEntry, "owner">) =>
  `${queuePrefix(profile)}${padded(queuedAtMs)}#${taskId}`;
/** What the entries of one profile begin with, and those of no other. */
export const queuePrefix = (profile: string) => `${encodeURIComponent(profile.toWellFormed())}#`;

export const ownerPartition = (owner: string) => `OWNER#${owner}`;
export const ownerOf = (partition: unknown) => String(partition).slice("OWNER#".length);
export const slotsKey = (owner: string): Key => ({ pk: ownerPartition(owner), sk: "SLOTS" });

/** The hash keeps what callers chose out of the table, and within the length of a key. */
export function claimKey(owner: string, key: string): Key {
  const text = JSON.stringify([owner, key]);
  return { pk: `KEY#${createHash("sha256").update(text).digest("hex")}`, sk: "KEY" };
}

/** A partition of an index takes 1,000 writes a second; a task writes a few times to this one. */
const SHARDS = 4;
export const openShards = Array.from({ length: SHARDS }, (_, shard) => `OPEN#${shard}`);

/** The shard of a task, from the last digit of its random id. */
export const shardOf = (taskId: string) => `OPEN#${(Number.parseInt(taskId.slice(-1), 16) || 0) % SHARDS}`;
