import { admit } from "../../../lib/domain/admission.ts";
import { finalEvents } from "../../../lib/domain/events.ts";
import { isTerminal } from "../../../lib/domain/lifecycle.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { adapterOf, usedUntil, withSession } from "../../../lib/domain/session.ts";
import type { Task } from "../../../lib/domain/task.ts";
import { again, current, done, type Step, type StepOutput } from "./step.ts";

/** Pays what the task owes: ends its session, deletes its runtime, gives its slot back, and lets the next one begin. */
export const cleanup: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (!task || !isTerminal(task.status)) return done;
  await ports.store.appendEvents(finalEvents(task));
  const pause = (await endSession(ports, task)) ?? (await deleteRuntime(ports, task));
  if (pause) return pause;
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

async function deleteRuntime(ports: Ports, task: Task): Promise<StepOutput | undefined> {
  if (task.owes.runtime === undefined) return undefined;
  return (await adapterOf(ports, task).deleteRuntime(task)) ? undefined : again(5);
}
