import { setTimeout as delay } from "node:timers/promises";
import { DispatchError, RefusedError } from "../../../contract/errors.ts";
import type { LocalAddress, LocalPlace, Target } from "../../http/door.ts";
import { Client } from "../../sdk/client.ts";
import { clientOf } from "../../sdk/create-client.ts";
import type { Context } from "../context.ts";
import type { LocalSystems, RunningSystem, StartedSystem } from "../local-system.ts";
import { type Place, targetOfPlace } from "./place.ts";

/** What it takes to speak to a system. */
type Speaking = Pick<Context, "local" | "patienceMs"> & { io: Pick<Context["io"], "env"> };

/** A client of the system that is meant: of one elsewhere, or of the local one that runs. Throws `local.not_running`. */
export const openRunning = (context: Speaking, place: Place): Promise<Client> =>
  open(context, place, (at) => context.local.find(at));

/** The same, where a local one does not end with somebody's run. */
export const openStaying = (context: Speaking, place: Place): Promise<Client> =>
  open(context, place, async (at) => {
    const running = await context.local.find(at);
    return running?.forRun ? undefined : running;
  });

/** The same, or a client of what the state folder holds where no local system runs. Throws `local.no_state`. */
export async function openReading(context: Speaking, place: Place): Promise<Client> {
  const { io, local } = context;
  const target = targetOfPlace(place, io.env);
  if (!("local" in target)) return openRunning(context, place);
  const known = await local.find(target.local);
  return known
    ? clientOfTarget(context, target, (at) => local.find(at), known)
    : new Client(await local.read(target.local));
}

type Find = (place: LocalPlace) => Promise<RunningSystem | undefined>;

async function open(context: Speaking, place: Place, find: Find): Promise<Client> {
  const target = targetOfPlace(place, context.io.env);
  const known = "local" in target ? await found(context.local, target.local, find) : undefined;
  return clientOfTarget(context, target, find, known);
}

const clientOfTarget = (
  { io: { env }, local, patienceMs }: Speaking,
  target: Target,
  find: Find,
  known: RunningSystem | undefined,
): Client => clientOf(target, { findLocal: startingWith(known, (at) => found(local, at, find)), patienceMs, env });

async function found(local: LocalSystems, place: LocalPlace, find: Find): Promise<RunningSystem> {
  const running = await find(place);
  if (!running) throw await notRunning(local, place);
  return running;
}

/** Somebody has looked just now. */
function startingWith<T>(known: T | undefined, find: (place: LocalPlace) => Promise<T>) {
  let first = known;
  return async (place: LocalPlace): Promise<T> => {
    const next = first ?? (await find(place));
    first = undefined;
    return next;
  };
}

/** A client of a system on this machine that is known. */
export const clientOfLocal = (system: LocalAddress): Client =>
  clientOf({ local: {} }, { findLocal: async () => system, patienceMs: 0 });

/** The refusal of a command that needs a system which runs already. */
export async function notRunning(local: LocalSystems, place: LocalPlace): Promise<RefusedError> {
  return new RefusedError("local.not_running", `no local system is running on ${await local.stateDir(place)}`, {
    hint: "agent-dispatch local starts it; --state-dir or --config names another one",
  });
}

/** How long a run waits for its worker to be gone. Longer than a step of the workflow that tries again. */
const SETTLE_MS = 120_000;
const TELL_AFTER_MS = 1000;
/** How long a run that is left waits for its session to be gone: longer than an invocation lasts that is under way. */
const END_MS = 20_000;
const CLOSE_MS = 5000;
const LOOK_AGAIN_MS = 50;

export type RunSystem = {
  client: Client;
  /** Whether the system goes on when this command ends, and the task with it. */
  stays(): boolean;
  /** Waits until nothing is left of a task that has ended; when that takes too long, or is aborted, its workers are ended. */
  settle(taskId: string, signal: AbortSignal): Promise<void>;
  /** Ends the sessions of a task that goes on, unless the system stays. Takes 25 s at most. */
  abandon(taskId: string): Promise<void>;
  close(): Promise<void>;
};

/**
 * A client to run a task with: that of a system elsewhere, of the local one that runs, or of one started for this run. A
 * connection that is lost is tried again for `patienceMs`, so that the system may be restarted meanwhile; `tell` hears of it.
 * One that only lived for another run is taken over, so that two runs at the same time do not depend on which ends first.
 */
export function openForRun(
  { io: { env }, local, patienceMs }: Speaking,
  place: Place,
  tell: (text: string) => void,
): RunSystem {
  const target = targetOfPlace(place, env);
  let started: StartedSystem | undefined;
  let mayStart = "local" in target;
  const findLocal = async (at: LocalPlace): Promise<LocalAddress | undefined> => {
    if (started) return started;
    const running = await local.find(at);
    if (running) mayStart = running.forRun;
    else if (mayStart) started = await startUnlessRunning(local, at);
    return running ?? started ?? (mayStart ? await soonRunning(local, at, patienceMs) : undefined);
  };
  const name = "local" in target ? "the local system" : "the endpoint";
  const client = clientOf(target, {
    findLocal,
    env,
    patienceMs,
    onLost: (reason) => tell(`no answer from ${name} (${reason}); trying again for ${patienceMs / 1000} s`),
    onBack: () => tell(`${name} answers again`),
  });
  return {
    client,
    stays: () => !mayStart,
    async settle(taskId, signal) {
      if (!started) return;
      const timer = setTimeout(() => tell("waiting until nothing is left of the task; Ctrl-C leaves"), TELL_AFTER_MS);
      try {
        const left = await started.settle(taskId, AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]));
        if (left.length === 0) return;
        await started.endSessions(taskId);
        tell(`still to be cleaned up: ${left.join(", ")}; the next start of a local system goes on with it`);
      } catch (error) {
        // The result has been told, and closing ends the workers all the same.
        tell(`it could not be cleaned up: ${error instanceof Error ? error.message : "unknown error"}`);
      } finally {
        clearTimeout(timer);
      }
    },
    async abandon(taskId) {
      if (!started) return;
      const timer = setTimeout(() => tell("waiting until its session is gone; Ctrl-C leaves at once"), TELL_AFTER_MS);
      await Promise.race([delay(END_MS, undefined, { ref: false }), started.endSessions(taskId)]).catch(() => {});
      clearTimeout(timer);
      await Promise.race([delay(CLOSE_MS, undefined, { ref: false }), started.close(taskId)]);
    },
    async close() {
      await client.close();
      await started?.close();
    },
  };
}

async function startUnlessRunning(local: LocalSystems, place: LocalPlace): Promise<StartedSystem | undefined> {
  try {
    return await local.start({ ...place, port: 0, forRun: true });
  } catch (error) {
    // Another process was quicker; its system is as good, as soon as it says where it is.
    if (error instanceof DispatchError && error.code === "local.already_running") return undefined;
    throw error;
  }
}

/** The system that is just starting, as soon as it says where it is. */
async function soonRunning(local: LocalSystems, place: LocalPlace, patienceMs: number) {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(LOOK_AGAIN_MS)) {
    const running = await local.find(place);
    if (running) return running;
  }
  return undefined;
}
