import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { withMark } from "../../../worker/processes/process-mark.ts";
import { RetryableError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { SessionFolder } from "./session-folder.ts";
import { isListening } from "./worker-client.ts";

/** What a job may see of this process's environment; everything else stays here. */
const inherited = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|TERM|NODE_EXTRA_CA_CERTS)$/;
const passedOn = [
  environmentVariables.commandAllowlist,
  environmentVariables.frameworkCommands,
  environmentVariables.logLevel,
] as const;

/** What a backend's configuration may say about its workers. */
export type WorkerDetails = { workspace?: string; environment?: Record<string, string> };

/**
 * A worker passes on what a job prints, most of it large and short-lived: in young space of the usual size, up to 48 MB of
 * it would wait to be collected.
 */
export const nodeOptions = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];

/** Far longer than a start takes on a busy machine: one that is stopped, or hangs, never listens. */
const LISTEN_WITHIN_MS = 60_000;

const entry = fileURLToPath(new URL("../../../worker/main.ts", import.meta.url));

/** A worker that this process has started. */
export type LaunchedWorker = {
  readonly child: ChildProcess;
  /** By the steady clock, in milliseconds. */
  readonly startedAtMs: number;
  /** How it ended, once it has: a refusal of the system to start it, its exit code, or the signal that killed it. */
  readonly end: string | undefined;
};

/** Starts a worker that listens in the session's folder, in a process group of its own so that it outlives this process. */
export async function startWorker(
  folder: SessionFolder,
  sessionId: string,
  details: WorkerDetails,
): Promise<LaunchedWorker> {
  const log = await prepare(folder);
  try {
    const command = [process.execPath, ...nodeOptions, entry];
    const [program = "", ...words] = withMark(environmentVariables.sessionMarker, sessionId, command);
    const child = spawn(program, words, {
      cwd: folder.path,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: workerEnvironment(folder, sessionId, details),
    });
    let refusal: string | undefined;
    child.once("error", (error) => {
      refusal = error.message;
    });
    child.unref();
    return {
      child,
      startedAtMs: performance.now(),
      get end() {
        if (child.exitCode !== null) return `exit code ${child.exitCode}`;
        return child.signalCode ?? refusal ?? (child.pid === undefined ? "the system started no process" : undefined);
      },
    };
  } finally {
    await log.close();
  }
}

async function prepare(folder: SessionFolder) {
  try {
    await folder.create();
    return await folder.openLog();
  } catch (cause) {
    throw new RetryableError(
      "worker.did_not_start",
      `the worker's folder cannot be made: ${(cause as Error).message}`,
      {
        hint: "free some space in the state folder, or mend its permissions",
        cause,
      },
    );
  }
}

/** The environment by allow-list. */
function workerEnvironment(folder: SessionFolder, sessionId: string, details: WorkerDetails): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const known = inherited.test(name) || name.startsWith(environmentVariables.frameworkCommandPrefix);
    if (value !== undefined && (known || (passedOn as readonly string[]).includes(name))) environment[name] = value;
  }
  return {
    ...environment,
    ...details.environment,
    // Compiled code is kept over starts; temporary files go with the session.
    NODE_COMPILE_CACHE: folder.compileCache,
    TMPDIR: folder.temporary,
    [environmentVariables.workerSocket]: folder.socketFile,
    [environmentVariables.workerAddressFile]: folder.addressFile,
    [environmentVariables.workspace]: details.workspace ?? folder.workspace,
    [environmentVariables.artifactsDir]: folder.artifacts,
    [environmentVariables.sessionMarker]: sessionId,
  };
}

/**
 * Resolves with true once the worker of a session listens, with false when `timeoutMs` is over. Throws RetryableError
 * `worker.did_not_start`, with the last that it printed, when it never will: it has ended, nobody started one, or it took
 * longer than a minute.
 */
export async function awaitListening(
  folder: SessionFolder,
  launched: LaunchedWorker | undefined,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isListening(folder))) {
    if (!launched) throw await startFailed(folder, "the worker process is gone");
    if (launched.end !== undefined)
      throw await startFailed(folder, `the worker process ended at its start (${launched.end})`);
    if (performance.now() - launched.startedAtMs > LISTEN_WITHIN_MS)
      throw await startFailed(folder, `the worker did not listen within ${LISTEN_WITHIN_MS / 1000} s`);
    if (performance.now() > deadline) return false;
    await sleep(3);
  }
  return true;
}

async function startFailed(folder: SessionFolder, what: string): Promise<RetryableError> {
  const lastWords = (await folder.readLogTail()).slice(-500);
  return new RetryableError("worker.did_not_start", `${what}: ${lastWords || "it printed nothing"}`, {
    hint: "mend what it says; a worker's environment is details.environment of its backend in the configuration",
  });
}
