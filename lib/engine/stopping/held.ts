import { isSettled, type Task } from "../../contract/task.ts";
import type { QueueEntry } from "../../store/port.ts";
import { readable } from "../../store/stored-task.ts";
import { breather } from "../admission/breather.ts";
import { lineage } from "../admission/lineage.ts";
import type { Ports } from "../ports.ts";

/**
 * How far back one looks for tasks of an owner that have ended and still owe something, and among how many open ones of all
 * owners: what could not be settled for long may be behind newer ones. The janitor settles those in any case.
 */
const RECENT = 100;
const MOST_OPEN_OF_ALL = 1000;
const PAGE = 1000;
/** A queue that is longer is as long as this, to whoever looks at it. */
const MOST_QUEUED = 100_000;
/** How many open tasks of all owners are looked at. */
const MOST_OPEN = 20_000;
const READ_AT_ONCE = 25;

/** Whose tasks are meant: those of one owner, or all. */
export type Whose = { owner: string } | "everybody";

/** What waits, by id and oldest first in each profile, and what holds something: a slot, a session, a runtime. */
export type Held = { queued: string[]; held: Task[] };

/** What waits, runs or still owes something. */
export const heldBy = (ports: Ports, whose: Whose): Promise<Held> =>
  whose === "everybody" ? heldByAll(ports) : heldByOwner(ports, whose.owner);

/**
 * Those of an owner. Whatever may run holds a slot, or has lent it to a task below it, and the slots are read consistently; what
 * has ended and still owes something is among its newest tasks.
 */
async function heldByOwner(ports: Ports, owner: string): Promise<Held> {
  const { store } = ports;
  const found = await withSlots(ports, owner);
  for (const task of (await store.list(owner, { limit: RECENT })).items)
    if (!found.has(task.id)) found.set(task.id, task);
  await addOpen(ports, found, await store.listDue(Number.MAX_SAFE_INTEGER, MOST_OPEN_OF_ALL, "begun"));
  const open = [...found.values()].filter((task) => task.owner === owner && !isSettled(task));
  const held = open.filter(({ status }) => status !== "queued");
  const ids = new Set(held.map(({ id }) => id));
  // One that waits may have a slot already, and be in no queue: it is just being admitted.
  const admitted = open.filter(({ status }) => status === "queued").map(({ id }) => id);
  const queued = new Set([...(await queuedBy(store, owner)), ...admitted]);
  return { queued: [...queued].filter((id) => !ids.has(id)), held };
}

/** Those of an owner that hold a slot, by id, and those that may have lent them theirs. */
async function withSlots(ports: Ports, owner: string): Promise<Map<string, Task>> {
  const { running, byProfile } = await ports.store.listSlots(owner);
  const found = new Map<string, Task>();
  const breathe = breather();
  for (const id of new Set([...running, ...Object.values(byProfile).flat()])) {
    await breathe();
    const task = await readable(ports.store, id);
    if (task) for (const one of [task, ...(await lineage(ports, task))]) found.set(one.id, one);
  }
  return found;
}

async function queuedBy(store: Ports["store"], owner: string): Promise<string[]> {
  const ids: string[] = [];
  for (let last: QueueEntry | undefined; ids.length < MOST_QUEUED; ) {
    const page = await store.listQueue(owner, PAGE, last);
    ids.push(...page.map(({ taskId }) => taskId));
    last = page.at(-1);
    if (!last || page.length < PAGE) break;
  }
  return ids;
}

/**
 * Those of everybody: whatever holds a slot, as the index of open tasks lags, and all other open tasks, those that have begun
 * first.
 */
async function heldByAll(ports: Ports): Promise<Held> {
  const { store } = ports;
  const found = new Map<string, Task>();
  for (const owner of await store.listOwners())
    for (const task of (await withSlots(ports, owner)).values()) found.set(task.id, task);
  const begun = await store.listDue(Number.MAX_SAFE_INTEGER, MOST_OPEN, "begun");
  const queued = await store.listDue(Number.MAX_SAFE_INTEGER, MOST_OPEN, "queued");
  await addOpen(ports, found, [...begun, ...queued]);
  const open = [...found.values()].filter((task) => !isSettled(task));
  return {
    queued: open.filter(({ status }) => status === "queued").map(({ id }) => id),
    held: open.filter(({ status }) => status !== "queued"),
  };
}

async function addOpen({ store }: Ports, found: Map<string, Task>, ids: readonly string[]): Promise<void> {
  const others = [...new Set(ids)].filter((id) => !found.has(id));
  const breathe = breather();
  for (let from = 0; from < others.length; from += READ_AT_ONCE) {
    await breathe();
    const read = await Promise.all(others.slice(from, from + READ_AT_ONCE).map((id) => readable(store, id)));
    for (const task of read) if (task) found.set(task.id, task);
  }
}
