import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { prepareState, stateFiles } from "../../config/state-files.ts";
import { type DispatchError, RefusedError } from "../../contract/errors.ts";
import type { LocalPlace } from "../http/door.ts";
import { startCommand } from "./command.ts";
import { readFailure } from "./failure.ts";
import { findLocal, type LocalSystem, stateDirOf } from "./find.ts";
import { commandLine } from "./program.ts";

const UNTIL_IDLE = "10m";
/** How long a start may take: it brings every open task on. */
const START_MS = 60_000;
const LOOK_AGAIN_MS = 50;
/** How long one that was not needed may take to end. */
const LOSER_MS = 5000;
/** For how long a start that was quicker is waited for, before another is tried. */
const WINNER_MS = 3000;

type Options = {
  /** After how long without an open task or a request it ends by itself, as the command line has it; default 10m. */
  untilIdle?: string;
  /** The folder that it runs in, whose configuration counts where none is named; by default that of this process. */
  cwd?: string;
  /** Ends the waiting; what was started ends by itself. */
  signal?: AbortSignal | undefined;
};

/**
 * The local system of that place: the one that runs, or one started in the background, which outlives this process and its
 * terminal, and ends once it has been idle. Two who start at once get the same. Throws the DispatchError with which a start
 * was refused, or `local.start_failed` with its last lines.
 */
export async function findOrStartLocal(place: LocalPlace, options: Options = {}): Promise<LocalSystem> {
  const stateDir = stateDirOf(place, options.cwd);
  return (await findLocal(stateDir)) ?? (await startLocal(place, stateDir, options));
}

async function startLocal(
  place: LocalPlace,
  stateDir: string,
  { untilIdle = UNTIL_IDLE, cwd = process.cwd(), signal }: Options,
): Promise<LocalSystem> {
  prepareState(stateDir);
  for (const deadlineMs = Date.now() + START_MS; Date.now() < deadlineMs; ) {
    const found = await tryToStart(place, stateDir, { untilIdle, cwd, signal, deadlineMs });
    if (found) return found;
  }
  throw new RefusedError("local.start_failed", `no local system answers on ${stateDir} within ${START_MS / 1000} s`, {
    hint: `${startCommand({ ...place, stateDir })} starts one that says what it does`,
  });
}

type Try = { untilIdle: string; cwd: string; signal: AbortSignal | undefined; deadlineMs: number };

/** The system that this start, or a quicker one, came to; undefined when it lost to one that does not answer. */
async function tryToStart(
  place: LocalPlace,
  stateDir: string,
  { untilIdle, cwd, signal, deadlineMs }: Try,
): Promise<LocalSystem | undefined> {
  const { log } = stateFiles(stateDir);
  // A file of its own, until it is known whose start it was.
  const file = `${log}.${randomUUID()}`;
  const child = launch(place, { untilIdle, cwd, file });
  const ended = endOf(child);
  try {
    const found = await untilItAnswers(place, stateDir, { ended, file, signal, deadlineMs });
    if (found?.pid === child.pid) renameSync(file, log);
    else await Promise.race([ended, delay(LOSER_MS, undefined, { ref: false })]);
    return found;
  } finally {
    // It goes on without this process.
    child.unref();
    rmSync(file, { force: true });
  }
}

/** Starts the command line in a session of its own, where no terminal's end reaches it. */
function launch(
  place: LocalPlace,
  { untilIdle, cwd, file }: { untilIdle: string; cwd: string; file: string },
): ChildProcess {
  const words = ["local", "--port", "0", "--until-idle", untilIdle, "--quiet", "--json"];
  const named = [
    ...(place.config === undefined ? [] : ["--config", resolve(place.config)]),
    ...(place.stateDir === undefined ? [] : ["--state-dir", resolve(place.stateDir)]),
  ];
  const output = openSync(file, "ax", 0o600);
  try {
    return spawn(process.execPath, [commandLine(place), ...words, ...named], {
      cwd,
      detached: true,
      stdio: ["ignore", output, output],
    });
  } finally {
    closeSync(output);
  }
}

/** How a process ended, as it is told; undefined while it goes on. */
type End = { text: string | undefined };

function endOf(child: ChildProcess): Promise<string> {
  return once(child, "exit").then(
    ([code, signal]) => (signal ? `was ended by ${signal}` : `ended with code ${code}`),
    (error: Error) => `could not be started: ${error.message}`,
  );
}

type Waiting = { ended: Promise<string>; file: string; signal: AbortSignal | undefined; deadlineMs: number };

async function untilItAnswers(
  place: LocalPlace,
  stateDir: string,
  { ended, file, signal, deadlineMs }: Waiting,
): Promise<LocalSystem | undefined> {
  const end: End = { text: undefined };
  void ended.then((text) => {
    end.text = text;
  });
  for (let untilMs = deadlineMs; Date.now() < untilMs; ) {
    const found = await findLocal(stateDir);
    if (found) return found;
    // Another start was quicker: its system is as good, if it comes to answer. It may also just have ended.
    if (end.text !== undefined) {
      refuseUnlessLate(readFailure(readFileSync(file, "utf8"), end.text, { ...place, stateDir }));
      untilMs = Math.min(untilMs, Date.now() + WINNER_MS);
      end.text = undefined;
    }
    await delay(LOOK_AGAIN_MS, undefined, { ...(signal && { signal }) });
  }
  return undefined;
}

function refuseUnlessLate(failure: DispatchError): void {
  if (failure.code !== "local.already_running") throw failure;
}
