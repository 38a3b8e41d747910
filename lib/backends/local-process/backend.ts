import { randomBytes } from "node:crypto";
import { access, constants, mkdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { killMarked } from "../../../worker/processes/processes.ts";
import type { Configuration } from "../../contract/configuration.ts";
import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { frameworkNames } from "../../contract/frameworks.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Task } from "../../contract/task.ts";
import { workerProtocols } from "../../contract/worker.ts";
import type { BackendAdapter, Check, Placement } from "../adapter.ts";
import { refuseOutside } from "../placed-job.ts";
import { workerEnvironment } from "../worker-environment.ts";
import { listSessions, sessionFolder } from "./session-folder.ts";
import { callWorker, isListening } from "./worker-client.ts";
import { awaitListening, type LaunchedWorker, startWorker, type WorkerDetails } from "./worker-process.ts";

/** How long after a start the next spare worker is made, so that it does not compete with the job that just began. */
const REFILL_MS = 150;
const READY_WAIT_MS = 5000;

type Options = {
  stateDir: string;
  configuration: () => Configuration;
  log: Logger;
  /** Whether one prewarmed worker is kept ready; it is used once. */
  prewarm: boolean;
};

export type LocalBackend = BackendAdapter & {
  /** Ends every session that no open task owes, such as a spare of a process that was killed. */
  reconcile(readOwed: () => Promise<ReadonlySet<string>>): Promise<void>;
  /** Makes the spare worker, if one is wanted and there is none, and resolves when it listens. */
  prewarm(): Promise<void>;
  /** Ends the spare and breaks off invocations; workers with a job go on. */
  close(): Promise<void>;
};

/** Runs each session as a worker process on this machine. */
export function localBackend({ stateDir, configuration, log, prewarm }: Options): LocalBackend {
  const root = join(stateDir, "sessions");
  /** Workers that this process started, by session, until the session is ended. */
  const launches = new Map<string, Promise<LaunchedWorker>>();
  const closing = new AbortController();
  let spare: { sessionId: string; ready: Promise<unknown> } | undefined;
  let refill: NodeJS.Timeout | undefined;

  const folderOf = (sessionId: string) => sessionFolder(root, sessionId);
  const sessionOf = (task: Task) => {
    if (!task.session) throw new Error(`task ${task.id} has no session`);
    return task.session.id;
  };

  function launch(sessionId: string, details: WorkerDetails): Promise<LaunchedWorker> {
    const launched = startWorker(folderOf(sessionId), sessionId, details);
    launches.set(sessionId, launched);
    const forgetSpare = () => {
      if (spare?.sessionId !== sessionId) return;
      // A spare that waited too long ends by itself, and the next task must not be given it.
      spare = undefined;
      end(sessionId).catch(() => {});
    };
    launched.then(({ child }) => child.once("exit", forgetSpare), forgetSpare);
    return launched;
  }

  async function isReady(sessionId: string): Promise<boolean> {
    return awaitListening(folderOf(sessionId), await launches.get(sessionId), READY_WAIT_MS);
  }

  /** Whether the session has a worker that listens, or was started here and may come to that. */
  async function hasWorker(sessionId: string): Promise<boolean> {
    const launched = await launches.get(sessionId)?.catch(() => undefined);
    return (launched && launched.end === undefined) || isListening(folderOf(sessionId));
  }

  async function end(sessionId: string): Promise<void> {
    const folder = folderOf(sessionId);
    const launched = await launches.get(sessionId)?.catch(() => undefined);
    launches.delete(sessionId);
    launched?.child.kill("SIGKILL");
    // Also where the folder is gone: a job can remove it, and end its worker.
    await killMarked(environmentVariables.sessionMarker, sessionId);
    await folder.remove();
  }

  /** Never throws: a task without a spare waits a little longer, and nothing else. */
  async function makeSpare(): Promise<void> {
    const isWanted = prewarm && Object.values(configuration().accounts).some(({ provider }) => provider === "local");
    if (!isWanted || spare || closing.signal.aborted) return;
    const sessionId = newSessionId();
    const ready = launch(sessionId, {}).then(() => isReady(sessionId));
    spare = { sessionId, ready };
    try {
      await ready;
    } catch (error) {
      if (!closing.signal.aborted) log.warn("no worker could be prewarmed", { error: String(error) });
      if (spare?.sessionId === sessionId) spare = undefined;
      // What is left of it goes at the next start at the latest.
      await end(sessionId).catch(() => {});
    }
  }

  return {
    name: "local-process",
    provider: "local",
    asCaller: true,
    targetModes: ["session"],
    protocols: workerProtocols,
    configRequirements: { session: [] },

    channel: () => "call",
    nameSession(task) {
      if (!spare || Object.keys(detailsOf(configuration(), task)).length > 0) return newSessionId();
      const { sessionId } = spare;
      spare = undefined;
      return sessionId;
    },
    nameRuntime: () => undefined,

    async provision(task) {
      const sessionId = sessionOf(task);
      const details = detailsOf(configuration(), task);
      await assertWorkspace(details);
      // One of an earlier process of ours counts if it listens; one that was cut off at its start, or is gone, does not.
      if (!(await hasWorker(sessionId))) {
        if (folderOf(sessionId).exists()) await end(sessionId);
        await launch(sessionId, details);
      }
      clearTimeout(refill);
      refill = setTimeout(() => void makeSpare(), REFILL_MS).unref();
      return { providerRefs: { sessionId } };
    },

    async awaitReady(task) {
      const ready = await isReady(sessionOf(task));
      return ready ? { ready } : { ready, waitSeconds: 1 };
    },

    async renew(task) {
      const sessionId = sessionOf(task);
      await end(sessionId);
      await launch(sessionId, detailsOf(configuration(), task));
      while (!(await isReady(sessionId)));
    },

    invoke: (task, operation, { timeoutMs }) =>
      callWorker(
        folderOf(sessionOf(task)),
        operation,
        AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]),
      ),

    stop: (task) => end(sessionOf(task)),
    deleteRuntime: async () => true,
    assertPossible(job) {
      const workspace = job.target.details?.workspace;
      refuseOutside(workspace === undefined ? undefined : String(workspace), job);
    },
    check: (placement, live) => check(stateDir, placement, live),
    frameworks: (placement) => frameworkNames({ ...process.env, ...workerEnvironment(configuration(), placement) }),
    cloudAgent: () => undefined,

    async reconcile(readOwed) {
      // In this order: a session is owed before it has a folder, so one that has a folder here is known there.
      const sessions = await listSessions(root);
      const owed = await readOwed();
      for (const sessionId of sessions) {
        if (!owed.has(sessionId))
          await end(sessionId).catch((error) =>
            log.warn("a session could not be ended", { sessionId, error: String(error) }),
          );
      }
    },
    prewarm: makeSpare,
    async close() {
      clearTimeout(refill);
      closing.abort();
      const left = spare;
      spare = undefined;
      if (left) await end(left.sessionId);
      await left?.ready.catch(() => {});
    },
  };
}

const newSessionId = () => `ad-${randomBytes(16).toString("hex")}`;

/** The workspace is the task's; the environment is what the configuration says now, for its backend and its profile. */
function detailsOf(configuration: Configuration, task: Task): WorkerDetails {
  const workspace = task.target.details?.workspace;
  const environment = workerEnvironment(configuration, task);
  return { ...(workspace !== undefined && { workspace: String(workspace) }), ...(environment && { environment }) };
}

const isFolder = (path: string) =>
  stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

async function assertWorkspace({ workspace }: WorkerDetails): Promise<void> {
  if (workspace === undefined || (isAbsolute(workspace) && (await isFolder(workspace)))) return;
  throw new RefusedError("task.workspace_not_found", `target.details.workspace must be the absolute path of a folder`, {
    hint: "name a folder of the machine that runs the job, or leave it out for an empty one",
    details: { workspace },
  });
}

async function check(stateDir: string, { target }: Placement, live: boolean): Promise<Check[]> {
  const checks: Check[] = [
    {
      name: "target_mode",
      ...(target.mode === "session"
        ? pass("a worker process per session")
        : fail("local-process serves sessions only")),
    },
  ];
  const { workspace } = (target.details ?? {}) as WorkerDetails;
  if (workspace !== undefined) {
    const there = isAbsolute(workspace) && (await isFolder(workspace));
    checks.push({ name: "workspace", ...(there ? pass(workspace) : fail(`${workspace} is not a folder`)) });
  }
  if (!live) return checks;
  const root = join(stateDir, "sessions");
  const writable = await mkdir(root, { recursive: true, mode: 0o700 })
    .then(() => access(root, constants.W_OK))
    .then(
      () => true,
      () => false,
    );
  checks.push({
    name: "state_folder",
    ...(writable ? pass(`${stateDir} can be written`) : fail(`${stateDir} cannot be written`)),
  });
  return checks;
}

const pass = (message: string) => ({ status: "pass" as const, message });
const fail = (message: string) => ({ status: "fail" as const, message });
