import { finalEvents } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { type Task, without } from "../../contract/task.ts";
import type { StepOutput } from "../../workflow/port.ts";
import { vacate } from "../admission/admission.ts";
import { leaveParent } from "../admission/lineage.ts";
import { isTurnOver } from "../conversations/turns.ts";
import { adapterOf } from "../invocation-gate.ts";
import { cancelFamily, tellParent } from "../orchestration/advance.ts";
import type { Ports } from "../ports.ts";
import { endSession } from "../session-end.ts";
import { payTree } from "../tree/budget.ts";
import { owesBelow } from "../tree/orphans.ts";
import { again, current, done, type Step } from "./step.ts";

/** How long a session that cannot be ended is tried again and again, with the slot still held; then once in as long. */
const PATIENCE_MS = 3_600_000;

/**
 * Settles the obligations of a task: ends its session, cancels what it dispatched where that is one, gives its slot back as soon as
 * nothing of it can run any more, lets the next one begin, and deletes the runtime that is its own, however long that takes.
 */
export const cleanup: Step = async (ports, input) => {
  let task = await current(ports, input);
  if (!task || !isTerminal(task.status)) return done;
  await ports.store.appendEvents(finalEvents(task));
  const sinceMs = ports.now() - Date.parse(task.phases[task.status] ?? task.updatedAt);
  const isOverdue = sinceMs > PATIENCE_MS;
  try {
    // First what is billed; trouble with either keeps nobody from the other.
    const ending = endSession(ports, task);
    await ending.catch(() => {});
    // Their workers hear of it from those who watch them.
    const isWhole = !owesBelow(ports, task) || (await cancelFamily(ports, task.id));
    const leftMs = await ending;
    if (leftMs > 0 || !isWhole) return again(Math.max(0, leftMs) / 1000);
    await giveRuntimeBack(ports, task);
    task = await giveSlotBack(ports, task);
    await tellParent(ports, task);
    if (await deleteRuntime(ports, task)) {
      await settleObligations(ports, task);
      return done;
    }
  } catch (error) {
    if (!isOverdue) throw error;
    return putOff(ports, task, String(error));
  }
  return isOverdue ? putOff(ports, task, "it is not gone yet") : again(deletionPause(ports, sinceMs));
};

/** What others use as well stays; whether it is deleted is for the housekeeping to see, and nobody here waits for that. */
async function giveRuntimeBack({ store, now }: Ports, { id, obligations }: Task): Promise<void> {
  if (obligations.sharedRuntime !== undefined) await store.releaseRuntime(obligations.sharedRuntime, id, now());
}

/** Lets the next one begin before it is noted that its obligation is settled: whoever dies in between is followed by another. */
async function giveSlotBack(ports: Ports, task: Task): Promise<Task> {
  const { runtime: _, ...obligations } = task.obligations;
  if (Object.keys(obligations).length === 0) return task;
  if (task.conversation && !isTurnOver(task, ports.now())) task = await noteSessionEnd(ports, task);
  await payTree(ports, task);
  await vacate(ports, task);
  await leaveParent(ports, task);
  if (!hasRuntimeLeft(task)) return task;
  return ports.store.change(task.id, (now) => ({
    ...now,
    obligations: without(now.obligations, "session", "sharedRuntime", "slot", "children", "dispatched"),
    dueAtMs: ports.now() + 15 * 60_000,
  }));
}

/**
 * Of a task whose worker did not say that its job has ended, the next turn of its conversation has to know it before it may
 * begin.
 */
const noteSessionEnd = (ports: Ports, { id }: Task): Promise<Task> =>
  ports.store.change(id, (now) => ({ ...now, obligations: without(now.obligations, "session") }));

async function settleObligations(ports: Ports, { id }: Task): Promise<void> {
  await ports.store.change(id, (now) =>
    Object.keys(now.obligations).length > 0 ? { ...now, obligations: {} } : undefined,
  );
}

const hasRuntimeLeft = (task: Task): boolean => task.obligations.runtime !== undefined && task.creations !== 0;

/** Seconds until the first look whether a runtime is gone, where looks cost nothing. */
const SOON_SECONDS = 10;

/**
 * Seconds until the next look whether a runtime is gone, which takes AgentCore minutes, bills nothing and keeps no other task
 * waiting: as long again as it has taken, from the longest pause of the platform up to ten times that.
 */
function deletionPause({ pace }: Ports, sinceMs: number): number {
  const least = Math.max(SOON_SECONDS, pace.maxPauseSeconds);
  return Math.min(10 * least, Math.max(least, sinceMs / 1000));
}

/** Whether there is none any more, or never was one. */
async function deleteRuntime(ports: Ports, task: Task): Promise<boolean> {
  return !hasRuntimeLeft(task) || adapterOf(ports, task).deleteRuntime(task);
}

/** Leaves what cannot be settled now to the janitor; nobody else has to wait for that. */
async function putOff(ports: Ports, task: Task, why: string): Promise<StepOutput> {
  const { slot, ...obligations } = task.obligations;
  const { id: taskId, owner, trace } = task;
  ports.observe.decided({
    decision: "put_off",
    taskId,
    owner,
    trace,
    error: `${Object.keys(obligations).join(" and ")}: ${why}`,
  });
  if (slot !== undefined) await vacate(ports, task);
  await ports.store.change(task.id, (now) => ({
    ...now,
    obligations: without(now.obligations, "slot"),
    dueAtMs: ports.now() + PATIENCE_MS,
  }));
  return done;
}
