import type { Readiness } from "../../backends/adapter.ts";
import { RefusedError } from "../../contract/errors.ts";
import { ownEvent } from "../../contract/events.ts";
import { type Task, transition } from "../../contract/task.ts";
import { takeAnotherWorker } from "../another-worker.ts";
import { adapterOf, withSession } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";
import { again, current, done, type Step } from "./step.ts";

/** The longest that a runtime may take to become ready. */
const READY_DEADLINE_MS = 10 * 60_000;

/** Looks whether the worker can be spoken to, and moves the task on when it can. */
export const awaitReady: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status !== "provisioning") return done;
  const adapter = adapterOf(ports, task);
  const readiness = await lookOrReplace(ports, task);
  const now = ports.now();
  if (!readiness.ready) {
    const since = Date.parse(task.phases.provisioning ?? task.createdAt);
    // One whose workers can be made anew says itself when one will never listen, by a clock that nobody sets.
    if (!adapter.renew && now - since > READY_DEADLINE_MS)
      throw new RefusedError("worker.not_ready", "the worker did not become ready within 10 minutes", {
        hint: "check_cloud_agent_runtime names what is wrong",
      });
    await ports.store.change(task.id, (current) =>
      current.status === "provisioning" ? { ...current, dueAtMs: now + 5 * 60_000 } : undefined,
    );
    return again(readiness.waitSeconds);
  }
  const events = [ownEvent(task.id, "session.created", now)];
  if (task.obligations.runtime !== undefined) events.push(ownEvent(task.id, "runtime.provisioned", now));
  await ports.store.appendEvents(events);
  await ports.store.change(task.id, (current) =>
    current.status === "provisioning"
      ? {
          ...transition(met(current, readiness.bootId), "starting", now),
          providerRefs: { ...current.providerRefs, ...readiness.providerRefs },
          dueAtMs: now + 5 * 60_000,
        }
      : undefined,
  );
  return done;
};

/** The boot is noted once: whoever answers with another later is another worker. */
const met = (task: Task, bootId: string | undefined): Task =>
  bootId === undefined || task.session?.bootId !== undefined ? task : withSession(task, { bootId });

/** A worker that died on the way is replaced; the other is ready then. */
async function lookOrReplace(ports: Ports, task: Task): Promise<Readiness> {
  try {
    return await adapterOf(ports, task).awaitReady(task);
  } catch (error) {
    await takeAnotherWorker(ports, task.id, error);
    return { ready: true };
  }
}
