import { resolveLimits } from "../../config/limits.ts";
import { own } from "../../contract/configuration.ts";
import { RetryableError } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { type Task, transition } from "../../contract/task.ts";
import type { Holder, QueueEntry, SlotAnswer, TaskStore } from "../../store/port.ts";
import { readable, readableOrNewer } from "../../store/stored-task.ts";
import { calledOff, queueEntry } from "../cancellation.ts";
import { type TurnAnswer, takeOver, takeTurn } from "../conversations/turns.ts";
import { removeStray } from "../janitor/queue-items.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { leavesNothing } from "../tree/orphans.ts";
import { breather } from "./breather.ts";
import { giveBack, holdersOf } from "./lending.ts";
import { childrenOf, leaveParent, lineage } from "./lineage.ts";
import { queuedProfiles } from "./queued-profiles.ts";

/** Most tasks that are looked at for one that could begin in a place that came free in its family. */
const MAX_LOOKED_AT = 100;

/** As `admit`, for whoever has done their own work: what fails is left to the janitor. Never throws. */
export async function admitLater(ports: Ports, owner: string): Promise<void> {
  await admit(ports, owner).catch((error) =>
    ports.log.warn("the queue is left to the janitor", { error: String(error) }),
  );
}

/** Lets all begin that may, those too that begin in the place of a task above them: after a pause none of them was let begin. */
export async function admitAll(ports: Ports, owner: string): Promise<void> {
  await admit(ports, owner);
  const { running } = await ports.store.listSlots(owner);
  for (const id of running) while (await beginBelow(ports, id, { left: MAX_LOOKED_AT }));
}

type Passes = { running: Promise<void>; next?: Promise<void> };
const passes = new WeakMap<TaskStore, Map<string, Passes>>();

/**
 * Lets a task begin that was just made and is in no queue, if nobody of its owner waits and both limits allow it. Resolves
 * with the task as it then stands, or undefined when it has to wait. It is durable as it is: should this be cut off, the
 * janitor queues it like any other that waits past its time.
 */
export async function beginAtOnce(ports: Ports, task: Task): Promise<Task | undefined> {
  const entry = queueEntry(task);
  // In any case, because that notes its place among the turns of its conversation.
  const turn = await takeTurn(ports, entry);
  if (turn.answer !== "taken") return undefined;
  if ((await ports.store.listQueue(task.owner, 1)).length > 0) return undefined;
  if ((await takeSlot(ports, entry)) !== "taken") return undefined;
  return begin(ports, task, turn);
}

/** Puts a task into its owner's queue, and lets it and those before it begin as far as the limits allow. */
export async function enqueue(ports: Ports, task: Task): Promise<Task> {
  const { id, owner, parent } = task;
  await ports.store.enqueue(queueEntry(task));
  try {
    await admit(ports, owner);
    if (parent !== undefined) await beginInFamily(ports, id);
    return (await readable(ports.store, id)) ?? task;
  } catch (error) {
    ports.log.warn("a task that was queued could not be admitted; the janitor will", {
      taskId: id,
      error: String(error),
    });
    return task;
  }
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
 * Lets the owner's oldest queued tasks begin while both limits allow it, passing over those whose profile is full, and those
 * whose conversation has a turn under way.
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
  /** Conversations whose turn goes on. */
  const busy = new Set<string>();
  for (let entry = waiting.oldest(); entry; entry = waiting.oldest()) {
    await breathe();
    const { conversation = "" } = entry;
    const answer = busy.has(conversation) ? "busy" : await take(ports, entry);
    if (answer === "full" || answer === "paused") return;
    if (answer === "profile_full") {
      waiting.passOver(entry);
      continue;
    }
    if (answer === "taken") await beginQueued(ports, entry);
    if (answer === "busy") busy.add(conversation);
    await waiting.next(entry);
  }
}

/** Its turn comes first: where there is no slot, those behind it in the conversation have to wait all the same. */
async function take(ports: Ports, entry: QueueEntry, lenders?: Holder[]): Promise<SlotAnswer | TurnAnswer> {
  const { answer } = await takeTurn(ports, entry);
  return answer === "taken" ? takeSlot(ports, entry, lenders) : answer;
}

function takeSlot(ports: Ports, entry: QueueEntry, lenders?: Holder[]): Promise<SlotAnswer> {
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
  const isOver = above.some((each) => leavesNothing(ports, each));
  if (!isOver && (await take(ports, entry, holdersOf(above))) !== "taken") return false;
  await beginQueued(ports, entry, { task, above });
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
 * Lets a task begin that holds a slot, and takes it out of the queue. One that is not there any more gives the slot back, and
 * so does one that a newer version of the program wrote: that stays queued, for a program that knows it.
 */
export async function beginQueued(
  ports: Ports,
  entry: QueueEntry,
  known?: { task: Task; above: Task[] },
): Promise<void> {
  const task = known?.task ?? (await readableOrNewer(ports.store, entry.taskId));
  if (task && task !== "newer") {
    await begin(ports, task, { above: known?.above, entry });
    return;
  }
  await ports.store.releaseSlot(entry.owner, entry);
  if (!task) await removeStray(ports, entry);
}

/**
 * Moves a task that holds a slot on, out of the queue where it is in one, and starts its execution. Resolves with the task
 * as it then stands. One that was cancelled meanwhile gives the slot back; so does one whose family was cancelled, which
 * ends here. One that somebody else let begin keeps it until its clean-up.
 */
async function begin(
  ports: Ports,
  known: Task,
  { above, entry, before }: { above?: Task[] | undefined; entry?: QueueEntry; before?: Task } = {},
): Promise<Task> {
  const { store, workflow, log } = ports;
  const { id, profile } = known;
  // Read after the task was written: whoever cancels a family writes first, and then looks for what is in it.
  const isOver = (above ?? (await lineage(ports, known))).some((each) => leavesNothing(ports, each));
  const conversation = await takeOver(ports, known, before);
  const task = await settle(ports, () =>
    store.change(id, (current) => {
      if (current.status !== "queued") return undefined;
      const now = ports.now();
      if (isOver) return calledOff(current, now);
      return {
        ...transition(current, "provisioning", now),
        obligations: { ...current.obligations, slot: profile },
        ...(conversation && { conversation }),
        dueAtMs: now + 60_000,
      };
    }),
  );
  if (entry) await store.dequeue(entry);
  if (isTerminal(task.status)) {
    // What is still owed is left to the clean-up, the slot with it.
    if (task.obligations.slot === undefined) await giveBack(ports, task);
    if (isOver) await leaveParent(ports, task);
    return task;
  }
  try {
    await workflow.start(id, task.executionNumber, task.trace);
  } catch (error) {
    log.warn("the execution could not be started; the janitor will", { taskId: id, error: String(error) });
  }
  return task;
}
