import { finalEvents } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { type Task, without } from "../../contract/task.ts";
import type { StepOutput } from "../../workflow/port.ts";
import { vacate } from "../admission/admission.ts";
import { leaveParent } from "../admission/lineage.ts";
import { cancelBelow } from "../cancellation.ts";
import { isTurnOver } from "../conversations/turns.ts";
import { adapterOf } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";
import { endSession } from "../session-end.ts";
import { again, current, done, type Step } from "./step.ts";

/** How long a session that cannot be ended is tried again and again, with the slot still held; then once in as long. */
const PATIENCE_MS = 3_600_000;

/**
 * Settles the obligations of a task: ends its session, cancels what it dispatched where that is one, gives its slot back as soon as
 * nothing of it can run any more, lets the next one begin, and deletes its runtime, however long that takes.
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
    const isWhole = task.obligations.children === undefined || (await cancelBelow(ports, task.id)).isWhole;
    const leftMs = await ending;
    if (leftMs > 0 || !isWhole) return again(Math.max(0, leftMs) / 1000);
    task = await giveSlotBack(ports, task);
    if (await deleteRuntime(ports, task)) {
      await settleObligations(ports, task);
      return done;
    }
  } catch (error) {
    if (!isOverdue) throw error;
    return putOff(ports, task, String(error));
  }
  return isOverdue ? putOff(ports, task, "it is not gone yet") : again(deletionPause(sinceMs));
};

/** Lets the next one begin before it is noted that its obligation is settled: whoever dies in between is followed by another. */
async function giveSlotBack(ports: Ports, task: Task): Promise<Task> {
  const { runtime: _, ...obligations } = task.obligations;
  if (Object.keys(obligations).length === 0) return task;
  if (task.conversation && !isTurnOver(task, ports.now())) task = await noteSessionEnd(ports, task);
  await vacate(ports, task);
  await leaveParent(ports, task);
  if (!hasRuntimeLeft(task)) return task;
  return ports.store.change(task.id, (now) => ({
    ...now,
    obligations: without(now.obligations, "session", "slot", "children"),
    dueAtMs: ports.now() + 10 * 60_000,
  }));
}

/** Of a task whose worker did not say that its job has ended, the next turn of its conversation has to know it before it may begin. */
const noteSessionEnd = (ports: Ports, { id }: Task): Promise<Task> =>
  ports.store.change(id, (now) => ({ ...now, obligations: without(now.obligations, "session") }));

async function settleObligations(ports: Ports, { id }: Task): Promise<void> {
  await ports.store.change(id, (now) =>
    Object.keys(now.obligations).length > 0 ? { ...now, obligations: {} } : undefined,
  );
}

const hasRuntimeLeft = (task: Task): boolean => task.obligations.runtime !== undefined && task.creations !== 0;

/** Seconds until the next look whether a runtime is gone, which takes AgentCore minutes: 10 at first, up to 60. */
const deletionPause = (sinceMs: number): number => Math.min(60, Math.max(10, sinceMs / 4000));

/** Whether there is none any more, or never was one. */
async function deleteRuntime(ports: Ports, task: Task): Promise<boolean> {
  return !hasRuntimeLeft(task) || adapterOf(ports, task).deleteRuntime(task);
}

/** Leaves what cannot be settled now to the janitor; nobody else has to wait for that. */
async function putOff(ports: Ports, task: Task, why: string): Promise<StepOutput> {
  const { slot, ...obligations } = task.obligations;
  ports.log.error("an obligation of a task cannot be settled; it is tried again in an hour", {
    taskId: task.id,
    obligations,
    why,
  });
  if (slot !== undefined) await vacate(ports, task);
  await ports.store.change(task.id, (now) => ({
    ...now,
    obligations: without(now.obligations, "slot"),
    dueAtMs: ports.now() + PATIENCE_MS,
  }));
  return done;
}
