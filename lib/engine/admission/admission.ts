import { resolveLimits } from "../../config/limits.ts";
import { own } from "../../contract/configuration.ts";
import { RetryableError } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { type Task, transition } from "../../contract/task.ts";
import type { Holder, QueueEntry, SlotAnswer, TaskStore } from "../../store/port.ts";
import { readable } from "../../store/stored-task.ts";
import { calledOff, queueEntry } from "../cancellation.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { breather } from "./breather.ts";
import { giveBack, holdersOf } from "./lending.ts";
import { childrenOf, leaveParent, lineage } from "./lineage.ts";
import { queuedProfiles } from "./queued-profiles.ts";

/** Most tasks that are looked at for one that could begin in a place that came free in its family. */
const MAX_LOOKED_AT = 100;

type Passes = { running: Promise<void>; next?: Promise<void> };
const passes = new WeakMap<TaskStore, Map<string, Passes>>();

/** Lets a task begin that is in its owner's queue, and those before it, as far as the limits allow. */
export async function admitTask(ports: Ports, task: Task): Promise<void> {
  await admit(ports, task.owner);
  if (task.parent !== undefined) await beginInFamily(ports, task.id);
}

/**
 * Gives the slot of a task back of which nothing runs any more, and lets others begin. Repeating is safe. What keeps one of
 * those from beginning is theirs: the janitor sees to them, and it is only logged here, unless the next attempt may do it.
 */
export async function vacate(ports: Ports, task: Task): Promise<void> {
  if (task.obligations.slot !== undefined) await giveBack(ports, task);
  try {
    await admit(ports, task.owner);
    const seen = { left: MAX_LOOKED_AT };
    for (const { taskId } of holdersOf(await lineage(ports, task))) if (await beginBelow(ports, taskId, seen)) return;
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    ports.log.error("others could not begin in the place of a task", { taskId: task.id, error: String(error) });
  }
}

/**
 * Lets the owner's oldest queued tasks begin while both limits allow it, passing over those whose profile is full.
 * Safe to call at any time and from anywhere at once: the slots are taken by one conditional write. Of the calls in one
 * process only one passes through an owner's queue at a time, and those that come meanwhile share the next pass.
 */
export function admit(ports: Ports, owner: string): Promise<void> {
  const ofStore = passes.get(ports.store) ?? new Map<string, Passes>();
  passes.set(ports.store, ofStore);
  const known = ofStore.get(owner);
  if (known?.next) return known.next;

  const pass = known
    ? known.running.then(
        () => run(),
        () => run(),
      )
    : run();
  if (known) known.next = pass;
  return pass;

  function run(): Promise<void> {
    const mine: Passes = { running: passThrough(ports, owner) };
    ofStore.set(owner, mine);
    const forget = () => {
      if (!mine.next) ofStore.delete(owner);
    };
    mine.running.then(forget, forget);
    return mine.running;
  }
}

async function passThrough(ports: Ports, owner: string): Promise<void> {
  const breathe = breather();
  const waiting = await queuedProfiles(ports.store, owner);
  for (let entry = waiting.oldest(); entry; entry = waiting.oldest()) {
    await breathe();
    const answer = await take(ports, entry);
    if (answer === "full") return;
    if (answer === "profile_full") waiting.passOver(entry);
    else {
      await begin(ports, entry);
      await waiting.next(entry);
    }
  }
}

function take(ports: Ports, entry: QueueEntry, lenders?: Holder[]): Promise<SlotAnswer> {
  const configuration = ports.configuration();
  const limits = resolveLimits(configuration, own(configuration.runtimes, entry.profile), {});
  return ports.store.takeSlot(entry, limits, lenders);
}

/** Lets a task that is still queued begin, if need be in the place of one above it. Resolves with whether it left the queue. */
export async function beginInFamily(ports: Ports, id: string): Promise<boolean> {
  const task = await readable(ports.store, id);
  if (task?.status !== "queued") return false;
  const above = await lineage(ports, task);
  const entry = queueEntry(task);
  const isOver = above.some((each) => each.calledOff);
  if (!isOver && (await take(ports, entry, holdersOf(above))) !== "taken") return false;
  await begin(ports, entry, above);
  return true;
}

/** Lets the oldest task begin that waits below this one and can; one that runs is looked below. */
async function beginBelow(ports: Ports, id: string, seen: { left: number }): Promise<boolean> {
  for await (const { taskId } of childrenOf(ports, id)) {
    if (seen.left-- <= 0) return false;
    const child = await readable(ports.store, taskId);
    if (!child) continue;
    const hasBegun = child.status === "queued" ? beginInFamily(ports, taskId) : beginBelow(ports, taskId, seen);
    if (await hasBegun) return true;
  }
  return false;
}

/**
 * Moves a task that holds a slot on, and starts its execution. One that was cancelled meanwhile gives the slot back; so does
 * one whose family was cancelled, which ends here. One that somebody else let begin keeps it until its clean-up.
 */
async function begin(ports: Ports, entry: QueueEntry, above?: Task[]): Promise<void> {
  const { store, workflow, log } = ports;
  const { taskId, owner, profile } = entry;
  const known = await readable(store, taskId);
  if (!known) {
    await store.releaseSlot(owner, { taskId, profile });
    await store.dequeue(entry);
    return;
  }
  const isOver = (above ?? (await lineage(ports, known))).some((each) => each.calledOff);
  const task = await settle(ports, () =>
    store.change(taskId, (current) => {
      if (current.status !== "queued") return undefined;
      const now = ports.now();
      if (isOver) return calledOff(current, now);
      return {
        ...transition(current, "provisioning", now),
        obligations: { ...current.obligations, slot: profile },
        dueAtMs: now + 60_000,
      };
    }),
  );
  await store.dequeue(entry);
  if (isTerminal(task.status)) {
    // What is still owed is left to the clean-up, the slot with it.
    if (task.obligations.slot === undefined) await giveBack(ports, task);
    if (isOver) await leaveParent(ports, task);
    return;
  }
  try {
    await workflow.start(taskId, task.executionNumber);
  } catch (error) {
    log.warn("the execution could not be started; the janitor will", { taskId, error: String(error) });
  }
}
