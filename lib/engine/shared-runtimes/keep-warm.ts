import { chooseProfile, route } from "../../config/routing.ts";
import { RefusedError } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { WarmSession } from "../../contract/runtimes.ts";
import { isLive } from "../../contract/runtimes.ts";
import type { Task } from "../../contract/task.ts";
import { newTaskId } from "../../contract/task-id.ts";
import { CONTRACT, helloReplySchema } from "../../contract/worker.ts";
import type { WarmEdit } from "../../store/port.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { adapterOf, boundsOf, notedUntil } from "../invocation-gate.ts";
import { newTask } from "../new-task.ts";
import { parseReply } from "../poll/worker-reply.ts";
import type { Ports } from "../ports.ts";
import { HELLO_MS } from "../starting.ts";
import { sharedReadiness } from "./ready.ts";
import { made, recordFor, take } from "./taking.ts";
import { fitsOf, forgetWarm, OLD_MS, sessionOf, warmOf } from "./warm.ts";

/** It is greeted again after this: AgentCore ends a session that was asked nothing for 15 minutes. */
const QUIET_MS = 4 * 60_000;
/** Seconds for which a pass waits for a runtime that is being made; the next goes on. */
const MAX_LOOKS = 20;
/** Whoever asks for it is nobody's task. */
const OWNER = "warm";

type Pass = {
  /** Whether there is time for another; default always. */
  mayGoOn?: () => boolean;
  /** None is to be kept any more: all are ended. */
  ending?: boolean;
  /** Told of each session that was ended in this pass. */
  onEnded?: (session: string) => void;
};

/** Sessions that are ready, and that were begun and ended in this pass. */
export type Kept = { ready: number; begun: number; ended: number };

/**
 * Keeps as many sessions ready as the profiles of the configuration want: begins those that are missing, greets those that
 * are there so that they last, and ends those that are too old, too many, or on a runtime that the profile does not use any
 * more. While everybody's admission is paused there are none. Two of these at once do no harm.
 */
export async function keepWarm(
  ports: Ports,
  { mayGoOn = () => true, ending = false, onEnded }: Pass = {},
): Promise<Kept> {
  const kept: Kept = { ready: 0, begun: 0, ended: 0 };
  const { runtimes } = ports.configuration();
  const all = await ports.store.listWarm();
  const wanting = Object.keys(runtimes).filter((name) => warmOf(ports, name) > 0);
  if (wanting.length === 0 && all.every(({ state }) => state === "gone")) return kept;
  const isOff = ending || (await ports.store.listPauses()).length > 0;
  const there = all.filter(({ state }) => state !== "gone");
  for (const one of there)
    await attempt(ports, one.id, async () => {
      if (!mayGoOn()) return;
      const state = await tend(ports, one, isOff);
      if (state === "gone") {
        kept.ended++;
        onEnded?.(sessionOf(one));
      }
      if (state === "ready") kept.ready++;
    });
  for (const profile of isOff ? [] : wanting)
    for (let n = 0; n < warmOf(ports, profile) && mayGoOn(); n++)
      await attempt(ports, `${profile}/${n}`, async () => {
        if (!(await begin(ports, profile, `${profile}/${n}`))) return;
        kept.begun++;
        kept.ready++;
      });
  return kept;
}

async function attempt(ports: Ports, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    ports.log.warn("a session that is to be kept ready could not be put in order; the next run tries again", {
      session: id,
      error: String(error),
    });
  }
}

/** Resolves with the state that it has then. */
async function tend(ports: Ports, one: WarmSession, isOff: boolean): Promise<WarmSession["state"]> {
  if (one.state === "taken") return tendTaken(ports, one);
  if (isOff || one.state === "ending" || !(await isWanted(ports, one))) return end(ports, one);
  if (one.state === "making") return bringUp(ports, one);
  return ports.now() - (one.seenAtMs ?? 0) < QUIET_MS ? "ready" : greet(ports, one);
}

/** One that a task took is the task's once that has noted it; should it never do so, nobody else will end it. */
async function tendTaken(ports: Ports, one: WarmSession): Promise<WarmSession["state"]> {
  const task = await readableOrNewer(ports.store, one.takenBy ?? "");
  if (task === "newer" || (task && !isTerminal(task.status) && !task.session)) return "taken";
  if (task?.session?.id !== sessionOf(one)) return end(ports, one);
  await forgetWarm(ports, one);
  return "taken";
}

/** Whether the configuration still asks for it, and a task could take it. */
async function isWanted(ports: Ports, { id, profile, task, fits, madeAtMs }: WarmSession): Promise<boolean> {
  const number = Number(id.slice(profile.length + 1));
  if (number >= warmOf(ports, profile) || ports.now() - madeAtMs >= OLD_MS) return false;
  const now = standIn(ports, profile);
  const need = now.target.mode === "runtime" ? await adapterOf(ports, now).shared?.needOf(now) : undefined;
  if (fits === undefined) return true;
  if (now.target.mode !== "runtime") return fitsOf(ports, now) === fits;
  const { sharedRuntime } = task.obligations;
  const runtime = sharedRuntime === undefined ? undefined : await ports.store.getRuntime(sharedRuntime);
  return runtime !== undefined && isLive(runtime) && runtime.fingerprint === need?.fingerprint;
}

/**
 * What stands in for a task of the profile: it is never stored, and has a session of its own. Throws what a call of the
 * profile would.
 */
function standIn(ports: Ports, name: string): Task {
  const configuration = ports.configuration();
  const profile = chooseProfile(configuration, name);
  const to = route(configuration, ports.backends, { taskType: "agent.run" }, profile);
  const id = newTaskId();
  const task = newTask(ports, OWNER, id, { route: to, input: {}, envField: "input.env", call: {} }, { depth: 0 });
  const session = adapterOf(ports, task).nameSession(task);
  return { ...task, session: { id: session, state: "open", inFlight: {}, sent: 1 }, obligations: { session } };
}

/** Notes a session under an id that is free, and begins it. Resolves with whether it is ready. */
async function begin(ports: Ports, profile: string, id: string): Promise<boolean> {
  const task = standIn(ports, profile);
  const madeAtMs = ports.now();
  const noted = await ports.store.changeWarm(id, (seen) =>
    seen && seen.state !== "gone" ? undefined : { profile, state: "making", task, madeAtMs },
  );
  return noted?.task.id === task.id && (await bringUp(ports, noted)) === "ready";
}

/** Makes the runtime that it is in, if need be, and begins it. */
async function bringUp(ports: Ports, one: WarmSession): Promise<WarmSession["state"]> {
  const placed = one.fits === undefined ? await place(ports, one) : one;
  if (placed?.state !== "making" || placed.fits === undefined) return placed?.state ?? "gone";
  const { task } = placed;
  const { sharedRuntime } = task.obligations;
  const { shared } = adapterOf(ports, task);
  for (let looks = 0; shared && sharedRuntime !== undefined; looks++) {
    const readiness = await sharedReadiness(ports, task, sharedRuntime, shared);
    if (readiness.ready) break;
    if (looks >= MAX_LOOKS || ports.closing.aborted) return "making";
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return greet(ports, placed);
}

async function place(ports: Ports, one: WarmSession): Promise<WarmSession | undefined> {
  const { task } = one;
  const adapter = adapterOf(ports, task);
  const { shared } = adapter;
  const need = await shared?.needOf(task);
  if (!shared || !need) {
    const fits = fitsOf(ports, task);
    const { channel, providerRefs } = fits === undefined ? {} : await adapter.provision(task);
    if (fits === undefined || channel !== "call") return cannot(ports, one);
    return placedOnce(ports, one, (now) => ({
      ...now,
      fits,
      task: { ...task, channel, providerRefs: providerRefs ?? {} },
    }));
  }
  const chosen = await recordFor(ports, need);
  const owing = { ...task, obligations: { ...task.obligations, sharedRuntime: chosen.id } };
  const before = task.obligations.sharedRuntime;
  if (before !== undefined && before !== chosen.id) await ports.store.releaseRuntime(before, task.id, ports.now());
  const noted = await placedOnce(ports, one, (now) =>
    now.task.obligations.sharedRuntime === before ? { ...now, task: owing } : undefined,
  );
  // Another pass places it at the same time, or has done so.
  if (noted?.state !== "making" || noted.task.obligations.sharedRuntime !== chosen.id || noted.fits !== undefined)
    return noted;
  const where = { adapter, shared, need, task: owing };
  const taken = await take(ports, chosen, where);
  if (!taken) return undefined;
  const runtime = taken.state === "ready" ? taken : await made(ports, chosen.id, where);
  const { channel, providerRefs } = shared.use(owing, runtime);
  if (channel !== "call") return cannot(ports, noted);
  return placedOnce(ports, one, (now) =>
    now.task.obligations.sharedRuntime === chosen.id
      ? { ...now, fits: chosen.id, task: { ...owing, channel, providerRefs } }
      : undefined,
  );
}

/**
 * As `change`, of a session that is in no place yet: a pass that comes late would write over where it is, and then nobody could
 * end it.
 */
const placedOnce = (ports: Ports, one: WarmSession, edit: (now: WarmSession) => ReturnType<WarmEdit>) =>
  change(ports, one, (now) => (now.fits === undefined ? edit(now) : undefined));

async function cannot(ports: Ports, one: WarmSession): Promise<undefined> {
  await forgetWarm(ports, one);
  throw new RefusedError("adapter.unsupported", `no session of the profile ${one.profile} can be kept ready`, {
    hint: "leave warm out of the profile: check says why",
  });
}

/** Asks the worker who it is, which begins its machine, or keeps it. Nothing is sent to one that is taken, or being ended. */
async function greet(ports: Ports, one: WarmSession): Promise<WarmSession["state"]> {
  const inFlightUntilMs = notedUntil(ports, HELLO_MS);
  const mine = await change(ports, one, (now) =>
    (now.inFlightUntilMs ?? 0) > ports.now() ? undefined : { ...now, inFlightUntilMs },
  );
  if (mine?.inFlightUntilMs !== inFlightUntilMs) return mine?.state ?? "gone";
  const { task } = mine;
  const options = { ...boundsOf(ports, inFlightUntilMs, HELLO_MS), signal: ports.closing };
  const reply = await adapterOf(ports, task).invoke(task, { contract: CONTRACT, op: "hello" }, options);
  const { bootId } = parseReply(helloReplySchema, reply);
  const ready = await change(ports, mine, ({ inFlightUntilMs: _answered, ...now }) => {
    const nowMs = ports.now();
    // Another machine has begun in its place.
    const madeAtMs = now.bootId === undefined || now.bootId === bootId ? now.madeAtMs : nowMs;
    return { ...now, state: "ready", bootId, madeAtMs, seenAtMs: nowMs };
  });
  return ready?.state ?? "gone";
}

/** Stops it, and once more when nothing can arrive any more that would begin another machine. */
async function end(ports: Ports, one: WarmSession): Promise<WarmSession["state"]> {
  const isSame = (now: WarmSession) => sessionOf(now) === sessionOf(one) && now.state !== "gone";
  let isFound = false;
  const ending = await ports.store.changeWarm(one.id, (now) => {
    // One that a task took meanwhile is the task's.
    if (!now || !isSame(now) || (now.state === "taken" && one.state !== "taken")) return undefined;
    isFound = now.state !== "ending";
    return { ...now, state: "ending" };
  });
  // It may run: that it is not noted here any more says nothing.
  if (ending?.state !== "ending" || !isSame(ending)) return "taken";
  const { task, id: name, inFlightUntilMs = 0 } = ending;
  if (isFound) ports.observe.decided({ decision: "found", thing: "warm_session", name });
  const isOver = inFlightUntilMs <= ports.now();
  await adapterOf(ports, task).stop({
    ...task,
    session: { id: sessionOf(one), state: "closed", inFlight: {}, sent: 1 },
  });
  if (!isOver) return "ending";
  await forgetWarm(ports, ending);
  return "gone";
}

/** Changes the record while the session is in it, and neither taken nor being ended. */
const change = (ports: Ports, one: WarmSession, edit: (now: WarmSession) => ReturnType<WarmEdit>) =>
  ports.store.changeWarm(one.id, (now) =>
    now && sessionOf(now) === sessionOf(one) && (now.state === "making" || now.state === "ready")
      ? edit(now)
      : undefined,
  );
