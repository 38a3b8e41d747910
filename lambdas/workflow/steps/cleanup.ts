import { admit } from "../../../lib/domain/admission.ts";
import { finalEvents } from "../../../lib/domain/events.ts";
import { isTerminal } from "../../../lib/domain/lifecycle.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { adapterOf, usedUntil, withSession } from "../../../lib/domain/session.ts";
import { type Task, without } from "../../../lib/domain/task.ts";
import { again, current, done, type Step, type StepOutput } from "./step.ts";

/** How long what cannot be paid is tried again and again, with the slot still held; then once in as long. */
const PATIENCE_MS = 3_600_000;

/** Pays what the task owes: ends its session, deletes its runtime, gives its slot back, and lets the next one begin. */
export const cleanup: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (!task || !isTerminal(task.status)) return done;
  await ports.store.appendEvents(finalEvents(task));
  const endedAtMs = Date.parse(task.phases[task.status] ?? task.updatedAt);
  const isOverdue = ports.now() - endedAtMs > PATIENCE_MS;
  try {
    const pause = await endSession(ports, task);
    if (pause) return pause;
    const isDeleted = await deleteRuntime(ports, task);
    if (!isDeleted && isOverdue) return putOff(ports, task, "it is not gone yet");
    if (!isDeleted) return again(5);
  } catch (error) {
    if (!isOverdue) throw error;
    return putOff(ports, task, String(error));
  }
  if (task.owes.slot !== undefined) await ports.store.releaseSlot(task.owner, task.owes.slot, task.id);
  await ports.store.change(task.id, (now) => (Object.keys(now.owes).length > 0 ? { ...now, owes: {} } : undefined));
  await admit(ports, task.owner);
  return done;
};

/** Closes the gate, stops, and comes back to stop again if an invocation may still be under way. */
async function endSession(ports: Ports, task: Task): Promise<StepOutput | undefined> {
  if (task.owes.session === undefined) return undefined;
  const closed = await ports.store.change(task.id, (now) =>
    now.session?.state === "open"
      ? {
          ...withSession(now, { state: "closed" }),
          dueAtMs: Math.max(ports.now(), usedUntil(now.session)) + 5 * 60_000,
        }
      : undefined,
  );
  await adapterOf(ports, closed).stop(closed);
  const leftMs = closed.session ? usedUntil(closed.session) - ports.now() : 0;
  return leftMs > 0 ? again(leftMs / 1000) : undefined;
}

/** Whether there is none any more, or never was one. */
async function deleteRuntime(ports: Ports, task: Task): Promise<boolean> {
  if (task.owes.runtime === undefined || task.creations === 0) return true;
  return adapterOf(ports, task).deleteRuntime(task);
}

/** Leaves what cannot be paid to the janitor; nobody else has to wait for that. */
async function putOff(ports: Ports, task: Task, why: string): Promise<StepOutput> {
  const { slot, ...owes } = task.owes;
  ports.log.error("what a task owes cannot be paid; it is tried again in an hour", { taskId: task.id, owes, why });
  if (slot !== undefined) await ports.store.releaseSlot(task.owner, slot, task.id);
  await ports.store.change(task.id, (now) => ({
    ...now,
    owes: without(now.owes, "slot"),
    dueAtMs: ports.now() + PATIENCE_MS,
  }));
  if (slot !== undefined) await admit(ports, task.owner);
  return done;
}
