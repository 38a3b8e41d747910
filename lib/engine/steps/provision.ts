import type { BackendAdapter } from "../../backends/adapter.ts";
import { NothingMadeError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { ownEvent } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { WarmSession } from "../../contract/runtimes.ts";
import { type Session, type Task, without } from "../../contract/task.ts";
import { servedChannel } from "../channel.ts";
import { adapterOf } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";
import { made, recordFor, take } from "../shared-runtimes/taking.ts";
import { fitsOf, forgetWarm, takenSession, takeWarm } from "../shared-runtimes/warm.ts";
import { assertReaching } from "../starting.ts";
import { leftFor } from "../tree/bound.ts";
import { current, done, type Step } from "./step.ts";

/**
 * Names what the task will need, which is an obligation from then on, and makes it: a runtime of its own, or one that others use
 * as well, unless that is there.
 */
export const provision: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status !== "provisioning") return done;
  const adapter = adapterOf(ports, task);
  // Before anything is made that bills.
  await leftFor(ports, task);
  await ports.store.appendEvents([
    // Here again, for a dispatch that was cut off after it had made the task.
    ownEvent(task.id, "task.created", Date.parse(task.createdAt)),
    ownEvent(task.id, "task.provisioning", ports.now()),
  ]);
  const made = (await provisionShared(ports, task, adapter)) ?? (await provisionOwn(ports, task, adapter));
  if (made === "not wanted") return done;
  const channel = servedChannel(made.channel ?? task.channel ?? adapter.channel(task));
  if (!channel)
    throw new RefusedError("adapter.unsupported", `the adapter ${adapter.name} did not say how to talk to it`);
  const noted = await ports.store.change(task.id, (now) =>
    now.executionNumber === input.n && owesAlone(now, made.owed)
      ? {
          ...now,
          channel,
          providerRefs: { ...now.providerRefs, ...made.providerRefs },
          // The request may have been long on its way.
          ...(made.owed.runtime !== undefined && { attemptedAtMs: ports.now() }),
        }
      : undefined,
  );
  if (noted.status === "provisioning" && !owesAlone(noted, made.owed)) throw otherChoice();
  // Some runtimes say only here that they do not know the worker contract.
  assertReaching(ports, task, adapter, channel);
  return done;
};

/** The runtime that is owed, a task's own or one that it shares; a target that names one owes none. */
type Owed = Pick<Task["obligations"], "runtime" | "sharedRuntime">;
/** What was made, unless the task has come to need nothing any more. */
type Made = (Awaited<ReturnType<BackendAdapter["provision"]>> & { owed: Owed }) | "not wanted";

const owesAlone = ({ obligations }: Task, { runtime, sharedRuntime }: Owed): boolean =>
  obligations.runtime === runtime && obligations.sharedRuntime === sharedRuntime;

/** Of two attempts at the same time only one can have its way; the other finds out what that is when it is repeated. */
const otherChoice = () =>
  new RetryableError("platform.conflict", "another attempt has chosen another runtime for the task");

async function provisionOwn(ports: Ports, task: Task, adapter: BackendAdapter): Promise<Made> {
  const warm = await takeWarm(ports, task, fitsOf(ports, task));
  const given = givenTo(task, adapter, warm);
  const runtime = task.obligations.runtime ?? adapter.nameRuntime(task);
  const owed = runtime === undefined ? {} : { runtime };
  // Which one it could share cannot be told any more: what it has of one that it has taken is given back, with its session there.
  const { sharedRuntime } = task.obligations;
  if (sharedRuntime !== undefined) {
    if (task.session) await adapter.stop(task);
    await ports.store.releaseRuntime(sharedRuntime, task.id, ports.now());
  }
  const named = await ports.store.change(task.id, (now) => name(now, given, owed, ports.now()));
  if (!(await isWanted(named, given, adapter))) return "not wanted";
  if (warm) await forgetWarm(ports, warm);
  try {
    return { ...(await adapter.provision(named)), owed };
  } catch (error) {
    if (error instanceof NothingMadeError) await ports.store.change(task.id, uncounted);
    throw error;
  }
}

/** Undefined for a task that shares no runtime. */
async function provisionShared(ports: Ports, task: Task, adapter: BackendAdapter): Promise<Made | undefined> {
  const { shared } = adapter;
  const need = task.obligations.runtime === undefined ? await shared?.needOf(task) : undefined;
  if (!shared || !need) return undefined;
  const place = { adapter, shared, need, task };
  let known = task;
  for (let before = task.obligations.sharedRuntime; ; ) {
    const chosen = await recordFor(ports, need);
    const { id } = chosen;
    // What it has taken before is given back first: only one can be owed.
    if (before !== undefined && before !== id) await ports.store.releaseRuntime(before, task.id, ports.now());
    const warm = await takeWarm(ports, known, id);
    const given = givenTo(known, adapter, warm);
    const named = await ports.store.change(task.id, (now) => name(now, given, { sharedRuntime: id }, ports.now()));
    if (!(await isWanted(named, given, adapter))) return "not wanted";
    if (named.obligations.sharedRuntime !== id) throw otherChoice();
    const taken = await take(ports, chosen, place);
    // Not before: as long as it is a user of the runtime, that stays.
    if (warm) await forgetWarm(ports, warm);
    before = id;
    known = named;
    if (!taken) continue;
    const now = await ports.store.get(task.id);
    if (!now || isTerminal(now.status) || now.obligations.sharedRuntime !== id) {
      // Its clean-up may have given back what it did not have yet.
      await ports.store.releaseRuntime(id, task.id, ports.now());
      if (now?.status === "provisioning") throw otherChoice();
      return "not wanted";
    }
    const runtime = taken.state === "ready" ? taken : await made(ports, id, place);
    return { ...shared.use(named, runtime), owed: { sharedRuntime: id } };
  }
}

/** A session, and, of one that was kept ready, what is needed to stop it. */
type Given = { session: Session; known?: Pick<Task, "providerRefs"> };

/** What a task is to have: its own, one that was kept ready, or a new one. */
function givenTo(task: Task, adapter: BackendAdapter, warm: WarmSession | undefined): Given {
  if (task.session) return { session: task.session };
  if (warm) return { session: takenSession(warm), known: { providerRefs: warm.task.providerRefs } };
  return { session: { id: adapter.nameSession(task), state: "open", inFlight: {}, sent: 0 } };
}

/** Whether a task is to be given what was named for it. */
async function isWanted(
  named: Task,
  { session: { id: session }, known }: Given,
  adapter: BackendAdapter,
): Promise<boolean> {
  if (named.session?.id === session) return named.status === "provisioning";
  // The janitor ends a session that was taken and not noted.
  if (known) return false;
  // The name was not taken; what the adapter may have kept ready under it is not needed.
  await adapter.stop({ ...named, session: { id: session, state: "closed", inFlight: {}, sent: 0 } });
  return false;
}

/**
 * Each attempt to make a runtime is counted before it, so that none that may have succeeded is forgotten. Only one can be owed: a
 * task that may have one of its own shares none any more.
 */
function name(task: Task, { session, known }: Given, runtime: Owed, nowMs: number): Task | undefined {
  const isNamed = Object.keys(runtime).length === 0;
  if (task.status !== "provisioning" || (task.session && isNamed)) return undefined;
  if (runtime.sharedRuntime !== undefined && task.obligations.runtime !== undefined) return undefined;
  const obligations = runtime.runtime === undefined ? task.obligations : without(task.obligations, "sharedRuntime");
  const hasMoved = obligations.sharedRuntime !== task.obligations.sharedRuntime;
  return {
    ...task,
    ...(!task.session && known),
    ...(hasMoved && { providerRefs: {} }),
    session: task.session ?? session,
    obligations: { ...obligations, session: task.session?.id ?? session.id, ...runtime },
    ...(runtime.runtime !== undefined && { creations: (task.creations ?? 0) + 1, attemptedAtMs: nowMs }),
    dueAtMs: nowMs + 5 * 60_000,
  };
}

const uncounted = (task: Task): Task | undefined =>
  task.creations === undefined ? undefined : { ...task, creations: task.creations - 1 };
