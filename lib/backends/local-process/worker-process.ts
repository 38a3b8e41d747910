import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RetryableError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { chosen, inherited } from "./session-environment.ts";
import type { WorkerClient } from "./worker-client.ts";
import { noFolder, type WorkerFolder } from "./worker-folder.ts";

/** What changes how a worker serves its sessions, beside its code. */
export const forWorkers: readonly string[] = [
  environmentVariables.logLevel,
  environmentVariables.workerIdleSeconds,
  environmentVariables.workerUncollectedSeconds,
  environmentVariables.workerMaxSeconds,
];

/**
 * A worker passes on what a job prints, most of it large and short-lived: in young space of the usual size, up to 48 MB of
 * it would wait to be collected.
 */
export const nodeOptions = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];

/** Far longer than a start takes on a busy machine: one that is stopped, or hangs, never listens. */
const LISTEN_WITHIN_MS = 60_000;

/** Whether this is code as it was written, and not as it was bundled for the package, whose worker lies in a folder beside it. */
export const isSource = import.meta.filename.endsWith("worker-process.ts");
export const entry = join(import.meta.dirname, isSource ? "../../../worker/main.ts" : "worker/main.mjs");

/** A worker that this process has started. */
export type LaunchedWorker = {
  readonly child: ChildProcess;
  /** By the steady clock, in milliseconds. */
  readonly startedAtMs: number;
  /** How it ended, once it has: a refusal of the system to start it, its exit code, or the signal that killed it. */
  readonly end: string | undefined;
};

/** Starts a worker that listens in its folder, in a process group of its own so that it outlives this process. */
export async function startWorker(folder: WorkerFolder): Promise<LaunchedWorker> {
  const log = await prepare(folder);
  try {
    const child = spawn(process.execPath, [...nodeOptions, entry], {
      cwd: folder.path,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: workerEnvironment(folder),
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

async function prepare(folder: WorkerFolder) {
  try {
    await folder.create();
    return await folder.openLog();
  } catch (cause) {
    throw noFolder("worker", cause);
  }
}

function workerEnvironment(folder: WorkerFolder): Record<string, string> {
  return {
    ...chosen((name) => inherited.test(name) || forWorkers.includes(name)),
    // Compiled code is kept over starts; temporary files go with the worker.
    NODE_COMPILE_CACHE: folder.compileCache,
    TMPDIR: folder.temporary,
    [environmentVariables.workerSocket]: folder.socketFile,
    [environmentVariables.workerAddressFile]: folder.addressFile,
  };
}

/**
 * Resolves once a worker listens. Throws RetryableError `worker.did_not_start`, with the last that it printed, when it never
 * will: it has ended, or took longer than a minute.
 */
export async function awaitListening(
  client: WorkerClient,
  folder: WorkerFolder,
  launched: LaunchedWorker,
): Promise<void> {
  // What cannot be told just now, with no descriptor left for instance, is asked again.
  while (!(await client.isListening().catch(() => false))) {
    if (launched.end !== undefined)
      throw await startFailed(folder, `the worker process ended at its start (${launched.end})`);
    if (performance.now() - launched.startedAtMs > LISTEN_WITHIN_MS)
      throw await startFailed(folder, `the worker did not listen within ${LISTEN_WITHIN_MS / 1000} s`);
    await sleep(3);
  }
}

async function startFailed(folder: WorkerFolder, what: string): Promise<RetryableError> {
  const lastWords = (await folder.readLogTail()).slice(-500);
  return new RetryableError("worker.did_not_start", `${what}: ${lastWords || "it printed nothing"}`, {
    hint: "mend what it says",
  });
}
