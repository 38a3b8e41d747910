import type { Readiness } from "../../backends/adapter.ts";
import { RefusedError } from "../../contract/errors.ts";
import { ownEvent } from "../../contract/events.ts";
import { type Task, transition } from "../../contract/task.ts";
import { takeAnotherWorker } from "../another-worker.ts";
import { adapterOf, withSession } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";
import { READY_DEADLINE_MS, sharedReadiness } from "../shared-runtimes/ready.ts";
import { again, current, done, type Step } from "./step.ts";

/** For so long a visit looks again and again while the next look is near, because another turn of the loop would cost more. */
const HOLD_SECONDS = 30;

/** Looks whether the worker can be spoken to, and moves the task on when it can. */
export const awaitReady: Step = async (ports, input) => {
  const until = ports.steady() + Math.min(HOLD_SECONDS, ports.pace.visitSeconds) * 1000;
  for (;;) {
    const task = await current(ports, input);
    if (task?.status !== "provisioning") return done;
    const readiness = await lookOrReplace(ports, task);
    if (readiness.ready) {
      await moveOn(ports, task, readiness);
      return done;
    }
    const { revision } = await noteLook(ports, task);
    const pauseMs = readiness.waitSeconds * 1000;
    if (ports.steady() + pauseMs >= until || ports.closing.aborted) return again(readiness.waitSeconds);
    // Whoever cancels it ends the wait.
    await ports.store.waitForChange(task.id, revision, pauseMs, ports.closing);
  }
};

/** The task with the time until which nobody else need look at it. Throws RefusedError `worker.not_ready` once it took too long. */
async function noteLook(ports: Ports, task: Task): Promise<Task> {
  const now = ports.now();
  const since = task.attemptedAtMs ?? Date.parse(task.phases.provisioning ?? task.createdAt);
  // One whose workers can be made anew says itself when one will never listen, by a clock that nobody sets; and a runtime that
  // others use as well has its own time, however long the task was on its way to it.
  const hasOwnTime = adapterOf(ports, task).renew !== undefined || task.obligations.sharedRuntime !== undefined;
  if (!hasOwnTime && now - since > READY_DEADLINE_MS)
    throw new RefusedError("worker.not_ready", "the worker did not become ready within 10 minutes", {
      hint: "check_cloud_agent_runtime names what is wrong",
    });
  return ports.store.change(task.id, (current) =>
    current.status === "provisioning" ? { ...current, dueAtMs: now + 5 * 60_000 } : undefined,
  );
}

async function moveOn(ports: Ports, task: Task, { bootId, providerRefs }: Ready): Promise<void> {
  const now = ports.now();
  const events = [ownEvent(task.id, "session.created", now)];
  if ((task.obligations.runtime ?? task.obligations.sharedRuntime) !== undefined)
    events.push(ownEvent(task.id, "runtime.provisioned", now));
  await ports.store.appendEvents(events);
  await ports.store.change(task.id, (current) =>
    current.status === "provisioning"
      ? {
          ...transition(met(current, bootId), "starting", now),
          providerRefs: { ...current.providerRefs, ...providerRefs },
          dueAtMs: now + 5 * 60_000,
        }
      : undefined,
  );
}

type Ready = Extract<Readiness, { ready: true }>;

/** The boot is noted once: whoever answers with another later is another worker. */
const met = (task: Task, bootId: string | undefined): Task =>
  bootId === undefined || task.session?.bootId !== undefined ? task : withSession(task, { bootId });

/** A worker that died on the way is replaced; the other is ready then. */
async function lookOrReplace(ports: Ports, task: Task): Promise<Readiness> {
  try {
    const adapter = adapterOf(ports, task);
    const { sharedRuntime } = task.obligations;
    if (adapter.shared && sharedRuntime !== undefined)
      return await sharedReadiness(ports, task, sharedRuntime, adapter.shared);
    return await adapter.awaitReady(task);
  } catch (error) {
    await takeAnotherWorker(ports, task.id, error);
    return { ready: true };
  }
}
