import type { ShortRecord } from "../../contract/tools/task-record.ts";
import type { LocalPlace } from "../http/door.ts";
import type { Connection } from "../sdk/caller.ts";

/** A local system that runs; `forRun` when it lives only as long as one run in its process. */
export type RunningSystem = { url: string; pid: number; token: string; forRun: boolean };

/** A local system started by this process. */
export type StartedSystem = {
  url: string;
  token: string;
  tokenFile: string;
  stateDir: string;
  /** The options with which a command in that folder finds this system, where none of our variables is set. */
  placeFrom(folder: string): LocalPlace;
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

export type StartOptions = LocalPlace & {
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
  stateDir(place: LocalPlace): Promise<string>;
  /** The system that runs on that state, if one does. */
  find(place: LocalPlace): Promise<RunningSystem | undefined>;
  /** Reads its tasks from that state while none runs. Throws RefusedError `local.no_state`. */
  read(place: LocalPlace): Promise<Connection>;
  /** The ids of the tasks on that state that begin so, the newest first, whether or not a system runs there. */
  idsBeginning(place: LocalPlace, prefix: string): Promise<string[]>;
  /** Starts one. Throws RefusedError `local.already_running` when another runs on that state. */
  start(options: StartOptions): Promise<StartedSystem>;
};
