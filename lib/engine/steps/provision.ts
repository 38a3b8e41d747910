import { NothingMadeError, RefusedError } from "../../contract/errors.ts";
import { ownEvent } from "../../contract/events.ts";
import type { Task } from "../../contract/task.ts";
import { servedChannel } from "../channel.ts";
import { adapterOf } from "../invocation-gate.ts";
import { current, done, type Step } from "./step.ts";

/** Names what the task will need, which is an obligation from then on, and makes it. */
export const provision: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status !== "provisioning") return done;
  const adapter = adapterOf(ports, task);
  const session = task.session?.id ?? adapter.nameSession(task);
  const runtime = task.obligations.runtime ?? adapter.nameRuntime(task);
  const named = await ports.store.change(task.id, (now) => name(now, session, runtime, ports.now()));
  await ports.store.appendEvents([
    // Here again, for a dispatch that was cut off after it had made the task.
    ownEvent(task.id, "task.created", Date.parse(task.createdAt)),
    ownEvent(task.id, "task.provisioning", ports.now()),
  ]);
  if (named.session?.id !== session) {
    // The name was not taken; what the adapter may have kept ready under it is not needed.
    await adapter.stop({ ...task, session: { id: session, state: "closed", inFlight: {}, sent: 0 } });
    return done;
  }
  if (named.status !== "provisioning") return done;

  const made = await adapter.provision(named).catch(async (error: unknown) => {
    if (error instanceof NothingMadeError) await ports.store.change(task.id, uncounted);
    throw error;
  });
  const channel = servedChannel(made.channel ?? named.channel ?? adapter.channel(named));
  if (!channel)
    throw new RefusedError("adapter.unsupported", `the adapter ${adapter.name} did not say how to talk to it`);
  await ports.store.change(task.id, (now) =>
    now.executionNumber === input.n
      ? { ...now, channel, providerRefs: { ...now.providerRefs, ...made.providerRefs } }
      : undefined,
  );
  return done;
};

/** Each attempt to make a runtime is counted before it, so that none that may have succeeded is forgotten. */
function name(task: Task, session: string, runtime: string | undefined, nowMs: number): Task | undefined {
  if (task.status !== "provisioning" || (task.session && runtime === undefined)) return undefined;
  return {
    ...task,
    session: task.session ?? { id: session, state: "open", inFlight: {}, sent: 0 },
    obligations: {
      ...task.obligations,
      session: task.session?.id ?? session,
      ...(runtime !== undefined && { runtime }),
    },
    ...(runtime !== undefined && { creations: (task.creations ?? 0) + 1 }),
    dueAtMs: nowMs + 5 * 60_000,
  };
}

const uncounted = (task: Task): Task | undefined =>
  task.creations === undefined ? undefined : { ...task, creations: task.creations - 1 };
