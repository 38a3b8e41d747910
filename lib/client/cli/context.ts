import type { Departure } from "./interrupt.ts";
import type { Io } from "./io.ts";
import type { LocalSystems } from "./local-system.ts";

/** What the commands are given by the entry file. */
export type Context = {
  io: Io;
  local: LocalSystems;
  /** For how long a run tries again when the system that it waits at does not answer. */
  patienceMs: number;
  /** Calls back at each Ctrl-C or other reason to end, until released. */
  onDeparture(listener: (why: Departure) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
};

/** What a command is bound to; `done` is told its exit code. */
export type Bind = { context: Context; done: (exitCode: number) => void };
