import { setTimeout as delay } from "node:timers/promises";
import { DispatchError, RefusedError } from "../../contract/errors.ts";
import type { ShortRecord } from "../../contract/tools/task-record.ts";
import { Client, type Connection } from "../sdk/client.ts";

import { type Address, Endpoint } from "../sdk/endpoint.ts";

/** Which local system is meant: by its state folder, or by the configuration file that names it. */
export type Place = { config?: string; stateDir?: string };

/** A local system that runs; `forRun` when it lives only as long as one run in its process. */
export type RunningSystem = { url: string; pid: number; token: string; forRun: boolean };

/** A local system started by this process. */
export type StartedSystem = {
  url: string;
  token: string;
  tokenFile: string;
  stateDir: string;
  /** The options with which a command in that folder finds this system, where none of our variables is set. */
  placeFrom(folder: string): Place;
  /** Whether it has the account that `run --command` uses. */
  runsCommands: boolean;
  /**
   * Waits until the task, which has ended, and what it dispatched owe nothing; when aborted, resolves with what they still
   * owe, as one text each.
   */
  settle(taskId: string, signal: AbortSignal): Promise<string[]>;
  /** Resolves once nothing was open there, and nobody asked for anything, for that many milliseconds. */
  untilIdle(forMs: number): Promise<void>;
  /** Ends the sessions of the task and of what it dispatched; resolves once nothing of them can run any more. */
  endSessions(taskId: string): Promise<void>;
  /** Workers go on, other than those of the task named and of what it dispatched. */
  close(ending?: string): Promise<void>;
};

/** A table on DynamoDB, or on a stand-in for it at the endpoint, where a system keeps its tasks instead of a file. */
export type DynamoStore = { kind: "dynamodb"; table: string; endpoint?: string; region?: string };

export type StartOptions = Place & {
  port: number;
  /** It lives only as long as one run. */
  forRun: boolean;
  store?: DynamoStore;
  /** Hears of each task that begins, asks for input or ends. */
  onTask?: (task: ShortRecord) => void;
};

/** The local systems as the commands know them; the entry file says what is behind it. */
export type LocalSystems = {
  /** The state folder that is meant. */
  stateDir(place: Place): Promise<string>;
  /** The system that runs on that state, if one does. */
  find(place: Place): Promise<RunningSystem | undefined>;
  /** Reads its tasks from that state while none runs. Throws RefusedError `local.no_state`. */
  read(place: Place): Promise<Connection>;
  /** Starts one. Throws RefusedError `local.already_running` when another runs on that state. */
  start(options: StartOptions): Promise<StartedSystem>;
};

/** A client of the system that runs, or of what its state folder holds of its tasks. Throws RefusedError `local.no_state`. */
export async function openReading(local: LocalSystems, place: Place): Promise<Client> {
  if (await local.find(place)) return new Client(new Endpoint(() => local.find(place)));
  return new Client(await local.read(place));
}

/** A client of the system that runs. Throws RefusedError `local.not_running`. */
export async function openRunning(local: LocalSystems, place: Place): Promise<Client> {
  if (!(await local.find(place))) throw await notRunning(local, place);
  return new Client(new Endpoint(() => local.find(place)));
}

/** The same of a system that does not end with somebody's run. */
export async function openStaying(local: LocalSystems, place: Place): Promise<Client> {
  const find = async () => {
    const found = await local.find(place);
    return found?.forRun ? undefined : found;
  };
  if (!(await find())) throw await notRunning(local, place);
  return new Client(new Endpoint(find));
}

/** The refusal of a command that needs a system which runs already. */
export async function notRunning(local: LocalSystems, place: Place): Promise<RefusedError> {
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
 * A client to run a task with: that of the system that runs, or of one started for this run. A connection that is lost is
 * tried again for `patienceMs`, so that the system may be restarted meanwhile; `tell` hears of it. One that only lived for
 * another run is taken over, so that two runs at the same time do not depend on which ends first.
 */
export function openForRun(
  { local, patienceMs }: { local: LocalSystems; patienceMs: number },
  place: Place,
  tell: (text: string) => void,
): RunSystem {
  let started: StartedSystem | undefined;
  let mayStart = true;
  const locate = async (): Promise<Address | undefined> => {
    if (started) return started;
    const found = await local.find(place);
    if (found) mayStart = found.forRun;
    else if (mayStart) started = await startUnlessRunning(local, place);
    return found ?? started;
  };
  const connection = new Endpoint(locate, {
    patienceMs,
    onLost: (reason) => tell(`no answer from the local system (${reason}); trying again for ${patienceMs / 1000} s`),
    onBack: () => tell("the local system answers again"),
  });
  const client = new Client(connection);
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

async function startUnlessRunning(local: LocalSystems, place: Place): Promise<StartedSystem | undefined> {
  try {
    return await local.start({ ...place, port: 0, forRun: true });
  } catch (error) {
    // Another process was quicker; its system is as good, as soon as it says where it is.
    if (error instanceof DispatchError && error.code === "local.already_running") return undefined;
    throw error;
  }
}
