import type { RuntimeTools, Usage } from "../../../lib/contract/agent.ts";
import type { Problem } from "../../../lib/contract/errors.ts";
import type { BuiltInFramework } from "../../../lib/contract/frameworks.ts";
import type { JsonObject } from "../../../lib/contract/json.ts";
import type { SessionFile } from "../../conversation/archive.ts";
import type { LiveInput } from "../../processes/live-input.ts";
import type { ProcessEnd } from "../../processes/run-process.ts";
import type { JobContext } from "../../runner.ts";
import type { AgentEvents } from "../agent-events.ts";
import type { AgentTask } from "../framework.ts";

export type { SessionFile } from "../../conversation/archive.ts";
export type { AgentEvents } from "../agent-events.ts";

/** One turn of an agent, as a program of its own runs it. */
export type AgentRun = {
  readonly task: AgentTask;
  readonly tools: RuntimeTools;
  readonly model?: string;
  /** With the outcome protocol. It travels by stdin. */
  readonly prompt: string;
  readonly workspace: string;
  /** A folder of the run's own, removed afterwards. */
  readonly scratch: string;
  /** Whether the workspace is an agent's own, so that its settings may steer the program. */
  readonly trusted: boolean;
  /** The program's own id of the session to go on with. */
  readonly resume?: string;
  /** The environment that the program gets, without what `command` adds. */
  readonly env: Readonly<Record<string, string>>;
};

/** How a turn ended, as far as the program told. Without an `error` it succeeded. */
export type AgentEnd = {
  output?: string;
  result?: unknown;
  usage: Usage;
  deniedTools?: string[];
  /** The program's own id of the session, for the next turn. */
  session?: string;
  /** It was ended while more was to come than it had answered. */
  isAtWork?: boolean;
  error?: Problem;
};

/** Reads what one process prints. */
export type OutputReader = {
  line(value: JsonObject, events: AgentEvents): void;
  /** The program's own id of the session, once it has told it and can go on with it. */
  readonly session?: string | undefined;
  /** Called once, also for a program that was stopped: then with what there is, and the last 16 KB of its stderr. */
  end(exit: ProcessEnd, stderrTail: string): AgentEnd;
};

/** Asks whoever waits for the task, by a key that is made its own; undefined once the job does not wait any more. */
export type AskedOf = JobContext["ask"];

/** A program that asks and hears while it works: what goes to its standard input, from its prompt on. */
export type Dialogue = {
  readonly input: LiveInput;
  line(value: JsonObject): void;
  /** Says something to the agent within its turn; false when that is over. */
  say(text: string): boolean;
};

/** How a program is started for one turn; `prompt` where it is not the run's own as it stands. */
export type ProgramStart = { args: string[]; env: Record<string, string>; prompt?: string };

/** One installed agent program: how it is started, and how what it prints is read. One folder each. */
export type AgentProgram = {
  readonly name: BuiltInFramework;
  /** Its name on the PATH. */
  readonly program: string;
  /** The options that it honours; any other is refused by name. */
  readonly options: readonly (keyof RuntimeTools)[];
  /** It keeps to `maxBudgetUsd` by an option of its own. */
  readonly ownBudget?: true;
  /** It is told a JSON schema by an option of its own; others are told in the prompt. What comes back is checked for all. */
  readonly ownSchema?: true;
  /** It reads `task.model` itself, which may have more fields than `id`. */
  readonly ownModel?: true;
  /** Arguments, further environment, and files of its own, written into `run.scratch`. Throws RefusedError. */
  command(run: AgentRun): Promise<ProgramStart>;
  reader(run: AgentRun): OutputReader;
  /** Where the run is one that asks; others get their prompt by stdin, which ends. */
  dialogue?(run: AgentRun, prompt: string, ask: AskedOf): Dialogue | undefined;
  /** What the next turn needs wherever it runs; none for a session that is not here. */
  sessionFiles(run: AgentRun, sessionId: string): Promise<SessionFile[]>;
  /** Puts them where the program looks for them. */
  restore(run: AgentRun, sessionId: string, files: readonly SessionFile[]): Promise<void>;
  /** What it is asked to end with; the processes that it started get SIGTERM. */
  readonly stopSignal: "SIGTERM" | "SIGINT";
};
