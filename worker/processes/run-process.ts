import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { failure } from "../failures.ts";
import { marksOf } from "../job-env.ts";
import type { Output, Sink } from "../output/output.ts";
import { openStdio, type Stdio } from "../output/stdio.ts";
import { invalidInput } from "../parse.ts";
import type { JobContext } from "../runner.ts";
import { assertProgram } from "./find-program.ts";
import { LiveInput } from "./live-input.ts";
import type { PipePair } from "./pipes.ts";
import { NOT_EXECUTED, withMark } from "./process-mark.ts";
import { ProcessTree } from "./process-tree.ts";

/** How long output may go on after the program ended, while something it started still holds its pipes. */
const DRAIN_MS = 300;
/** How long the rest of the output may take once nothing runs any more that could write to it. */
const LAST_READ_MS = 2000;

export type ProcessSpec = {
  file: string;
  args: readonly string[];
  cwd: string;
  /** Must mark the process with its task (AGENTDISPATCH_TASK_ID): all that carries the mark ends with it. */
  env: Record<string, string>;
  /** A text that it reads to its end, or what is said to it as it runs. */
  stdin?: string | LiveInput | undefined;
  stdout: Sink;
  stderr: Sink;
  /** What it is asked to end with; default SIGTERM. */
  stopSignal?: NodeJS.Signals;
};

/** How a process ended, whichever way it did. */
export type ProcessEnd = {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** It never started; a system error such as ENOENT. */
  failedToStart?: NodeJS.ErrnoException;
  durationMs: number;
};

type Exit = Omit<ProcessEnd, "durationMs">;

/**
 * Runs a program in a process group of its own until it and all that it started are gone.
 * Resolves for every way to end; throws only if the process cannot even be described to the system.
 */
export async function runProcess(
  spec: ProcessSpec,
  { folder, stop, pipes }: Pick<JobContext, "folder" | "stop" | "pipes">,
): Promise<ProcessEnd> {
  const startedAt = performance.now();
  const ended = (exit: Exit): ProcessEnd => ({ ...exit, durationMs: Math.round(performance.now() - startedAt) });
  const pair = await pipes.take();
  if (stop.order) return ended({ exitCode: null, signal: null });

  const { child, outputs, failedToStart } = start(spec, folder.root, pair);
  if (!child) return ended({ exitCode: null, signal: null, failedToStart });
  const read = Promise.all(outputs.map((output, index) => output.drainTo(index === 0 ? spec.stdout : spec.stderr)));
  const tree = new ProcessTree(
    child.pid === undefined ? undefined : { pid: child.pid, startedAtMs: startedAt },
    marksOf(spec.env),
    spec.stopSignal,
  );
  const unlisten = stop.listen((order) => tree.stop(order.graceSeconds));
  try {
    const exit = await ending(child);
    if (stop.order) await tree.gone();
    await Promise.race([read, sleep(DRAIN_MS, undefined, { ref: false })]);
    await tree.kill();
    await Promise.race([read, sleep(LAST_READ_MS, undefined, { ref: false })]);
    return ended(exit);
  } finally {
    unlisten();
    await tree.kill();
    for (const output of outputs) output.destroy();
    await read;
  }
}

type Started =
  | { child: ChildProcess; outputs: Output[]; failedToStart?: never }
  | { child?: never; outputs?: never; failedToStart: NodeJS.ErrnoException };

function start(spec: ProcessSpec, folder: string, pipes: PipePair | undefined): Started {
  const stdio = stdioOf(spec, folder, pipes);
  try {
    const { cwd, env } = spec;
    const [program, ...words] = wordsOf(spec);
    const child = spawn(program, words, { cwd, env, stdio: stdio.options, detached: true });
    if (spec.stdin instanceof LiveInput && child.stdin) spec.stdin.attach(child.stdin);
    return { child, outputs: stdio.attach(child) };
  } catch (error) {
    for (const output of stdio.attach()) output.destroy();
    // Node throws some of the system's refusals and emits others.
    if (isSystemError(error)) return { failedToStart: error };
    if (error instanceof TypeError)
      throw invalidInput("input", "a NUL character can be in no argument of a program", error);
    throw error;
  }
}

/** The processes of a session that is marked carry its mark where they cannot hide it. */
function wordsOf({ file, args, cwd, env }: ProcessSpec): [string, ...string[]] {
  const session = env[environmentVariables.sessionMarker];
  if (session === undefined) return [file, ...args];
  assertProgram(file, cwd, env);
  const [program = file, ...words] = withMark(environmentVariables.sessionMarker, session, [file, ...args]);
  return [program, ...words];
}

function stdioOf({ stdin }: ProcessSpec, folder: string, pipes: PipePair | undefined): Stdio {
  try {
    return openStdio(folder, stdin, pipes);
  } catch (cause) {
    throw failure("worker.storage", "the worker could not open the input and output of the program", cause);
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && String(error.syscall).startsWith("spawn");

function ending(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => {
      if (signal !== NOT_EXECUTED) return resolve({ exitCode, signal });
      const failedToStart = Object.assign(new Error("the program could not be executed"), { code: "ENOENT" });
      resolve({ exitCode: null, signal: null, failedToStart });
    });
    child.once("error", (failedToStart) => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, failedToStart });
    });
  });
}
