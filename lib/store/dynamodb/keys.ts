import { createHash } from "node:crypto";
import type { Task } from "../../contract/task.ts";
import type { Child, LedgerPosition, QueueEntry } from "../port.ts";

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

/** What is counted of the tree that a task is the root of. */
export const treeKey = (root: string): Key => ({ pk: taskPartition(root), sk: "TREE" });

export const conversationKey = (id: string): Key => ({ pk: `CONVERSATION#${id}`, sk: "CONVERSATION" });

/** What an owner's tasks took, by when they were dispatched: each once, whenever it is written. */
export const ledgerPartition = (owner: string) => `LEDGER#${owner}`;
export const ledgerSort = ({ createdAtMs, taskId }: LedgerPosition) => `${padded(createdAtMs)}#${taskId}`;

/** An owner's answers to requests that may be made again. */
export const answersPartition = (owner: string) => `ANSWERS#${owner}`;
export const answerSort = (place: number) => `PLACE#${padded(place)}`;
export const answerLookupsKey = (owner: string): Key => ({ pk: answersPartition(owner), sk: "LOOKUPS" });

/** Of all runtimes that tasks share, of which there are few. */
export const runtimesPartition = "RUNTIMES";
/** Of all sessions that are kept ready, of which there are few. */
export const warmPartition = "WARM";
export const warmKey = (id: string): Key => ({ pk: warmPartition, sk: id });
export const runtimeKey = (id: string): Key => ({ pk: runtimesPartition, sk: id });

export const queuePartition = (owner: string) => `QUEUES#${owner}`;
export const queueSort = ({ profile, queuedAtMs, taskId }: Omit<QueueEntry, "owner">) =>
  `${queuePrefix(profile)}${padded(queuedAtMs)}#${taskId}`;
/** What the entries of one profile begin with, and those of no other. */
export const queuePrefix = (profile: string) => `${encodeURIComponent(profile.toWellFormed())}#`;

/** One of the places of calls that wait. */
export const placeKey = (place: number): Key => ({ pk: `WAITING#${place}`, sk: "PLACE" });

export const ownerPartition = (owner: string) => `OWNER#${owner}`;
export const ownerOf = (partition: unknown) => String(partition).slice("OWNER#".length);
export const slotsKey = (owner: string): Key => ({ pk: ownerPartition(owner), sk: "SLOTS" });

/** The pause of everybody's admission. */
export const everybodyKey: Key = { pk: "ADMISSION", sk: "EVERYBODY" };
/** Of all who have asked for a slot. */
export const ownersPartition = "OWNERS";
export const ownerKey = (owner: string): Key => ({
  pk: ownersPartition,
  sk: createHash("sha256").update(owner).digest("hex"),
});

/** The hash keeps what callers chose out of the table, and within the length of a key. */
export function claimKey(owner: string, key: string): Key {
  const text = JSON.stringify([owner, key]);
  return { pk: `KEY#${createHash("sha256").update(text).digest("hex")}`, sk: "KEY" };
}

/** A partition of an index takes 1,000 writes a second; a task writes a few times to this one. */
const SHARDS = 4;
const shardsOf = (prefix: string) => Array.from({ length: SHARDS }, (_, shard) => `${prefix}#${shard}`);
/** Those that wait in a queue have their own: however many they are, nobody who looks for the others comes past them. */
const [BEGUN, QUEUED] = ["OPEN", "QUEUED"];
export const openShards = { begun: shardsOf(BEGUN), queued: shardsOf(QUEUED) };

/** The shard of an open task, from the last digit of its random id. */
export const shardOf = ({ id, status }: Pick<Task, "id" | "status">): string =>
  `${status === "queued" ? QUEUED : BEGUN}#${(Number.parseInt(id.slice(-1), 16) || 0) % SHARDS}`;
