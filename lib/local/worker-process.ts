import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RetryableError } from "../domain/errors.ts";
import { settings } from "../domain/settings.ts";
import type { SessionFolder } from "./session-folder.ts";
import { isListening } from "./worker-client.ts";

/** What a job may see of this process's environment; everything else stays here. */
const inherited = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|TERM|NODE_EXTRA_CA_CERTS)$/;
const passedOn = [settings.commandAllowlist, settings.frameworkCommands, settings.logLevel] as const;

/** What a backend's configuration may say about its workers. */
export type WorkerDetails = { workspace?: string; environment?: Record<string, string> };

/**
 * A worker passes on what a job prints, most of it large and short-lived: in young space of the usual size, up to 48 MB of
 * it would wait to be collected.
 */
export const nodeOptions = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];

const entry = fileURLToPath(new URL("../../worker/main.ts", import.meta.url));

/** Starts a worker that listens in the session's folder, in a process group of its own so that it outlives this process. */
export async function startWorker(
  folder: SessionFolder,
  sessionId: string,
  details: WorkerDetails,
): Promise<ChildProcess> {
  const log = await prepare(folder);
  try {
    const child = spawn(process.execPath, [...nodeOptions, entry], {
      cwd: folder.path,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
      env: workerEnvironment(folder, sessionId, details),
    });
    child.once("error", () => {}); // seen as an early exit by awaitListening
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function prepare(folder: SessionFolder) {
  try {
    await folder.create();
    return await folder.openLog();
  } catch (cause) {
    throw new RetryableError("worker.start_failed", `the worker's folder cannot be made: ${(cause as Error).message}`, {
      hint: "free some space in the state folder, or mend its permissions",
      cause,
    });
  }
}

/** The environment by allow-list. */
function workerEnvironment(folder: SessionFolder, sessionId: string, details: WorkerDetails): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const known = inherited.test(name) || name.startsWith(settings.frameworkCommandPrefix);
    if (value !== undefined && (known || (passedOn as readonly string[]).includes(name))) environment[name] = value;
  }
  return {
    ...environment,
    ...details.environment,
    // Compiled code is kept over starts; temporary files go with the session.
    NODE_COMPILE_CACHE: folder.compileCache,
    TMPDIR: folder.temporary,
    [settings.workerSocket]: folder.socketFile,
    [settings.workerAddressFile]: folder.addressFile,
    [settings.workspace]: details.workspace ?? folder.workspace,
    [settings.artifactsDir]: folder.artifacts,
    [settings.sessionMarker]: sessionId,
  };
}

/**
 * Resolves with true once the worker listens, with false when `timeoutMs` is over. Throws RetryableError
 * `worker.start_failed`, with what it printed, if it has exited.
 */
export async function awaitListening(
  folder: SessionFolder,
  child: ChildProcess | undefined,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isListening(folder))) {
    if (child && (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)) {
      const tail = await folder.readLogTail();
      throw new RetryableError(
        "worker.start_failed",
        `the worker process ended at its start: ${tail.slice(-500) || "it printed nothing"}`,
        {
          hint: "check_cloud_agent_runtime tries a start",
        },
      );
    }
    if (Date.now() > deadline) return false;
    await sleep(3);
  }
  return true;
}
