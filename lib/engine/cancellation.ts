import { taskTerminal } from "../contract/errors.ts";
import { isCancellable } from "../contract/lifecycle.ts";
import { type Task, transition, without } from "../contract/task.ts";
import { CONTRACT } from "../contract/worker.ts";
import type { QueueEntry } from "../store/port.ts";
import { readable } from "../store/stored-task.ts";
import { breather } from "./admission/breather.ts";
import { giveBack } from "./admission/lending.ts";
import { childrenOf, leaveParent } from "./admission/lineage.ts";
import { continuedBy } from "./conversations/turns.ts";
import { inLanes } from "./in-lanes.ts";
import { invokeOnce } from "./invocation-gate.ts";
import { canBeAsked } from "./poll/apply-reply.ts";
import { settle } from "./poll/poll.ts";
import type { Ports } from "./ports.ts";

/** How long one goes through what lies below a task that is cancelled, and tells the workers; its clean-up goes on with it. */
const CASCADE_MS = 10_000;
/** Workers that are told at once, and how long that of one may take. */
const TOLD_AT_ONCE = 8;
const TELL_MS = 5000;

/**
 * Cancels a task: one that is queued is cancelled at once, any other becomes `cancelling` and its worker is told; whoever
 * polls next brings it to `cancelled`. So does everything that it dispatched, and what that dispatched, unless `cascade` is
 * false. Cancelling again changes nothing. Throws RefusedError `task.terminal` once the job has ended, because then its
 * result stands.
 */
export async function cancelTask(ports: Ports, { id }: Pick<Task, "id">, { cascade = true } = {}): Promise<Task> {
  const task = await settle(ports, () =>
    ports.store.change(id, (current) => {
      if (current.status !== "cancelling" && !isCancellable(current.status)) throw taskTerminal(id, current.status);
      return cascade ? withAllBelow(current, ports.now()) : alone(current, ports.now());
    }),
  );
  await leaveQueue(ports, task);
  if (canBeAsked(task)) await tellWorker(ports, task);
  // What is made of others cancels these itself, as it is brought on (`orchestration/advance.ts`).
  if (!cascade || task.orchestration) return task;
  const { isWhole } = await cancelAllBelow(ports, id);
  // Of a task that runs this stays an obligation until its clean-up: its job may dispatch something until it is stopped.
  if (!isWhole || task.status !== "cancelled") return task;
  const clean = await ports.store.change(id, (current) => ({
    ...current,
    obligations: without(current.obligations, "children", "dispatched"),
  }));
  await leaveParent(ports, clean);
  return clean;
}

/** Cancels everything below a task, as far as there is time, and tells the workers. */
export async function cancelAllBelow(ports: Ports, id: string): Promise<Cascade> {
  const leftMs = cascadeTime(ports);
  const all = await cancelBelow(ports, id, { leftMs });
  await inLanes(TOLD_AT_ONCE, all.told, (child) => tellWorker(ports, child, leftMs()));
  return all;
}

/** The task as it is cancelled, or undefined when that changes nothing. */
function cancelled(task: Task, nowMs: number): Task | undefined {
  if (!isCancellable(task.status)) return undefined;
  const next = without(task, "env");
  if (task.status === "queued") return transition(next, "cancelled", nowMs);
  return { ...transition(next, "cancelling", nowMs), dueAtMs: nowMs + 60_000 };
}

/** The same of a task that leaves what it dispatched as it is. */
function alone(task: Task, nowMs: number): Task | undefined {
  const next = cancelled(task, nowMs);
  return next && { ...next, obligations: without(next.obligations, "dispatched") };
}

/** The same of a task with all below it: none of those begins any more, whoever comes to let it. */
export function calledOff(task: Task, nowMs: number): Task | undefined {
  const next = cancelled(task, nowMs);
  if (next) return { ...next, calledOff: true };
  return task.status === "cancelling" && !task.calledOff ? { ...task, calledOff: true } : undefined;
}

/** The same of the one with which it begins: it is an obligation until all have been reached. */
function withAllBelow(task: Task, nowMs: number): Task | undefined {
  const next = calledOff(task, nowMs);
  return next && { ...next, obligations: { ...next.obligations, children: "cancel" }, dueAtMs: nowMs + 60_000 };
}

type Cascade = { told: Task[]; madeOfOthers: string[]; isWhole: boolean };

/**
 * Cancels everything below a task: what is queued at once; of what runs `told` is what a worker is to be told of. Repeated it
 * goes on where it was left; `isWhole` when nothing was left out. It takes a few seconds at most. `madeOfOthers` are those that
 * end with the last of what they are made of, which may have ended here.
 */
export async function cancelBelow(
  ports: Ports,
  parent: string,
  { leftMs = cascadeTime(ports), breathe = breather() }: { leftMs?: () => number; breathe?: () => Promise<void> } = {},
): Promise<Cascade> {
  const all: Cascade = { told: [], madeOfOthers: [], isWhole: true };
  for await (const { taskId } of childrenOf(ports, parent)) {
    if (leftMs() <= 0) return { ...all, isWhole: false };
    await breathe();
    const child = await callOff(ports, taskId);
    if (child && canBeAsked(child) && child.status === "cancelling") all.told.push(child);
    const below = await cancelBelow(ports, taskId, { leftMs, breathe });
    all.told.push(...below.told);
    all.madeOfOthers.push(...below.madeOfOthers, ...(child?.orchestration ? [taskId] : []));
    all.isWhole &&= below.isWhole;
    if (child?.status === "cancelled") await leaveParent(ports, child);
  }
  return all;
}

/** One whose making was cut off has no task yet; should it get one, that will not begin. One that is damaged is passed over. */
async function callOff(ports: Ports, id: string): Promise<Task | undefined> {
  if (!(await readable(ports.store, id))) return undefined;
  const task = await settle(ports, () => ports.store.change(id, (current) => calledOff(current, ports.now())));
  await leaveQueue(ports, task);
  return task;
}

/** Milliseconds that are left, from now on, to go through what lies below a task. */
function cascadeTime(ports: Ports): () => number {
  const endsAtMs = ports.steady() + CASCADE_MS;
  return () => endsAtMs - ports.steady();
}

/** One that was cancelled before it began has no clean-up, and may hold a slot that somebody took for it and died. */
async function leaveQueue(ports: Ports, task: Task): Promise<void> {
  if (task.status !== "cancelled" || task.obligations.session !== undefined || task.obligations.slot !== undefined)
    return;
  await outOfQueue(ports, task);
}

/** What is left of one that ended before it began. */
export async function outOfQueue(ports: Ports, task: Task): Promise<void> {
  await ports.store.dequeue(queueEntry(task));
  await giveBack(ports, task);
}

/** The entry under which a task stands in its owner's queue. */
export function queueEntry(task: Task): QueueEntry {
  const { id, owner, profile, createdAt } = task;
  const conversation = continuedBy(task);
  const more = conversation === undefined ? {} : { conversation };
  return { owner, taskId: id, profile, queuedAtMs: Date.parse(createdAt), ...more };
}

/** A worker that cannot be told now, in the time that is left, is told by the next poll. */
async function tellWorker(ports: Ports, task: Task, leftMs = TELL_MS): Promise<void> {
  // Whoever holds a synchronous call sees it in the task.
  if (leftMs <= 0 || task.channel === "synchronous") return;
  try {
    await invokeOnce(ports, task.id, Math.min(TELL_MS, leftMs), (current) => ({
      contract: CONTRACT,
      op: "cancel",
      bootId: current.session?.bootId ?? "",
      taskId: task.id,
      graceSeconds: task.limits.graceSeconds,
    }));
  } catch (error) {
    ports.log.info("the worker could not be told to cancel; the next poll will", {
      taskId: task.id,
      error: String(error),
    });
  }
}
