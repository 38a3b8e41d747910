import { randomBytes } from "node:crypto";
import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killMarked } from "../../../worker/processes/processes.ts";
import type { Configuration } from "../../contract/configuration.ts";
import { toProblem, WorkerGoneError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Target, Task } from "../../contract/task.ts";
import type { Check } from "../../contract/tools/check-cloud-agent-runtime.ts";
import type { BackendAdapter, Placement } from "../adapter.ts";
import { refuseOutside } from "../placed-job.ts";
import { workerEnvironment } from "../worker-environment.ts";
import { conversationsIn, sweepConversations } from "./conversations.ts";
import { localProcess } from "./description.ts";
import { frameworksIn, inspect } from "./programs/frameworks-here.ts";
import { InstalledPrograms } from "./programs/installed-programs.ts";
import { type SessionUse, sessionEnvironment } from "./session-environment.ts";
import { listFolders, type SessionFolder, sessionFolder } from "./session-folder.ts";
import { noFolder } from "./worker-folder.ts";
import { type PooledWorker, WorkerPool } from "./workers.ts";
import { assertWorkspace } from "./workspace.ts";

const READY_WAIT_MS = 5000;
/** A worker that is there answers at once; one that is stopped must hold up nobody for long. */
const ANSWER_MS = 5000;

/** What a session is made of. */
type SessionDetails = SessionUse & { workspace?: string };

type Options = {
  stateDir: string;
  configuration: () => Configuration;
  log: Logger;
  /** Whether workers are kept ready for the next task. */
  prewarm: boolean;
};

export type LocalBackend = BackendAdapter & {
  /** Ends every session that no open task owes, and every worker that serves none. */
  reconcile(readOwed: () => Promise<ReadonlySet<string> | undefined>): Promise<void>;
  /** Makes the workers that are kept ready, if any are wanted; resolves when the first one listens. */
  prewarm(): Promise<void>;
  /** Breaks off invocations, and makes no more workers; those with a job go on. */
  close(): Promise<void>;
};

/** Runs each task in a session of its own, in one of a few worker processes on this machine. */
export function localBackend({ stateDir, configuration, log, prewarm }: Options): LocalBackend {
  const root = join(stateDir, "sessions");
  const isWarm = () => prewarm && Object.values(configuration().accounts).some(({ provider }) => provider === "local");
  const programs = new InstalledPrograms(stateDir);
  const workers = new WorkerPool({ root: join(stateDir, "workers"), log, isWarm });
  const closing = new AbortController();
  /** Sessions that are being opened for their tasks, by id. */
  const opening = new Map<string, Promise<string | undefined>>();

  const folderOf = (sessionId: string) => sessionFolder(root, sessionId);
  const sessionOf = (task: Task) => {
    if (!task.session) throw new Error(`task ${task.id} has no session`);
    return task.session.id;
  };

  /** The worker that serves a session. Throws WorkerGoneError. */
  function workerOf(sessionId: string): PooledWorker {
    const known = workers.of(sessionId) ?? workers.adopt(sessionId, folderOf(sessionId).workerId());
    if (known) return known;
    throw new WorkerGoneError("no worker is known to serve the session");
  }

  function place(sessionId: string): void {
    try {
      folderOf(sessionId).create(workers.place(sessionId).id);
    } catch (cause) {
      throw noFolder("session", cause);
    }
  }

  /** The boot of the session once it is open; undefined when its worker takes longer than a while to start. */
  async function open(task: Task): Promise<string | undefined> {
    const sessionId = sessionOf(task);
    const worker = workerOf(sessionId);
    if (!worker.isUp) {
      const waiting = new AbortController();
      const late = sleep(READY_WAIT_MS, false, waiting).catch(() => false);
      const isListening = await Promise.race([worker.listening.then(() => true), late]).finally(() => waiting.abort());
      if (!isListening) return undefined;
    }
    const environment = {
      ...environmentOf(folderOf(sessionId), sessionId, detailsOf(configuration(), task)),
      [environmentVariables.workerConversationsDir]: conversationsIn(stateDir),
    };
    sweep();
    return worker.client.open(sessionId, environment, signalFor(ANSWER_MS));
  }

  let sweptAtMs = 0;
  /** Once a day, as sessions are opened. */
  function sweep(): void {
    const nowMs = Date.now();
    if (nowMs - sweptAtMs < 86_400_000) return;
    sweptAtMs = nowMs;
    void sweepConversations(stateDir, { retentionDays: configuration().retentionDays, nowMs });
  }

  async function end(sessionId: string): Promise<void> {
    // What is still being opened would be opened after its end.
    await opening.get(sessionId)?.catch(() => {});
    opening.delete(sessionId);
    try {
      await workerOf(sessionId).client.end(sessionId, AbortSignal.timeout(ANSWER_MS));
    } catch {
      // Also where the folder is gone: a job can remove it, and end its worker.
      await killMarked(environmentVariables.sessionMarker, sessionId);
    }
    // In this order: what the folder says would be believed again.
    try {
      await folderOf(sessionId).remove();
    } finally {
      await workers.leave(sessionId);
    }
  }

  const environmentFor = (placed: Pick<Partial<Placement>, "backendName" | "profile" | "framework">) =>
    sessionEnvironment({ framework: placed.framework, configured: workerEnvironment(configuration(), placed) });

  const signalFor = (timeoutMs: number) => AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]);

  return {
    ...localProcess,
    asCaller: true,

    channel: () => "call",
    nameSession: () => `ad-${randomBytes(16).toString("hex")}`,
    nameRuntime: () => undefined,

    async provision(task) {
      const sessionId = sessionOf(task);
      assertWorkspace({ ...detailsOf(configuration(), task), trusted: task.trusted });
      if (task.framework !== undefined)
        await programs.assertUsable(task.framework, environmentFor(task), { learn: true });
      if (folderOf(sessionId).workerId() === undefined) {
        place(sessionId);
        // Beside what is noted meanwhile; whoever waits for it meets the failure.
        const opened = open(task);
        opened.catch((error) => log.warn("a session could not be opened yet", { sessionId, error: String(error) }));
        opening.set(sessionId, opened);
      }
      return { providerRefs: { sessionId } };
    },

    async awaitReady(task) {
      const begun = opening.get(sessionOf(task));
      opening.delete(sessionOf(task));
      const bootId = await (begun ?? open(task));
      return bootId === undefined ? { ready: false, waitSeconds: 1 } : { ready: true, bootId };
    },

    async renew(task) {
      const sessionId = sessionOf(task);
      workers.distrust(sessionId);
      await end(sessionId);
      place(sessionId);
      while ((await open(task)) === undefined);
    },

    async invoke(task, operation, { timeoutMs, beforeSend }) {
      const sessionId = sessionOf(task);
      beforeSend?.();
      return workerOf(sessionId).client.call(sessionId, operation, signalFor(timeoutMs));
    },

    async say(task, message, { signal, beforeSend }) {
      beforeSend?.();
      return workerOf(sessionOf(task)).client.say(sessionOf(task), message, signal);
    },

    stop: (task) => end(sessionOf(task)),
    deleteRuntime: async () => true,
    async assertPossible(job) {
      const workspace = workspaceOf(job.target);
      // The agent's own folder was not named in the call, so that whoever calls is told at once.
      if (job.trusted) assertWorkspace({ ...workspace, trusted: true });
      refuseOutside(workspace.workspace, job);
      if (job.framework !== undefined) await programs.assertUsable(job.framework, environmentFor(job));
    },
    check: (placement, live) => check(stateDir, placement, live),
    frameworks: (placement) => frameworksIn(programs, environmentFor(placement)),
    defaultFramework: (placement) => programs.names(environmentFor(placement))[0],
    frameworkInstall: (framework) => programs.install(framework),
    inspectFrameworks: ({ placement, only }) =>
      inspect(programs, (framework) => environmentFor({ ...placement, framework }), only),
    cloudAgent: () => undefined,

    async reconcile(readOwed) {
      // In this order: a session is owed before it has a folder, so one that has a folder here is known there.
      const sessions = await listFolders(root);
      const owed = await readOwed();
      const isOwed = (sessionId: string) => owed?.has(sessionId) ?? true;
      // A worker goes with its last session, so all that stay are known before the first ends.
      for (const sessionId of sessions) if (isOwed(sessionId)) workers.adopt(sessionId, folderOf(sessionId).workerId());
      for (const sessionId of sessions) {
        if (isOwed(sessionId)) continue;
        await end(sessionId).catch((error) =>
          log.warn("a session could not be ended", { sessionId, error: String(error) }),
        );
      }
      await workers.endUnused();
    },
    prewarm: () => workers.prewarm(),
    async close() {
      closing.abort();
      workers.close();
      await workers.endUnused();
    },
  };
}

/** The workspace and the framework are the task's; the environment is what the configuration says now. */
function detailsOf(configuration: Configuration, task: Task): SessionDetails {
  const { framework, input } = task;
  return {
    ...workspaceOf(task.target),
    framework,
    model: input.model,
    configured: workerEnvironment(configuration, task),
  };
}

const workspaceOf = ({ details = {} }: Target): { workspace?: string } =>
  details.workspace === undefined ? {} : { workspace: String(details.workspace) };

/** All that the jobs of a session inherit. */
const environmentOf = (
  folder: SessionFolder,
  sessionId: string,
  { workspace, ...use }: SessionDetails,
): Record<string, string> => ({
  ...sessionEnvironment(use),
  // Temporary files go with the session.
  TMPDIR: folder.temporary,
  [environmentVariables.workspace]: workspace ?? folder.workspace,
  [environmentVariables.artifactsDir]: folder.artifacts,
  [environmentVariables.sessionMarker]: sessionId,
});

async function check(stateDir: string, { target, trusted }: Placement, live: boolean): Promise<Check[]> {
  const checks: Check[] = [
    {
      name: "target_mode",
      ...(target.mode === "session"
        ? pass("a session per task, in a worker process of this machine")
        : fail("local-process serves sessions only")),
    },
  ];
  const { workspace } = workspaceOf(target);
  if (workspace !== undefined) checks.push({ name: "workspace", ...workspaceCheck(workspace, trusted) });
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

function workspaceCheck(workspace: string, trusted: true | undefined): Omit<Check, "name"> {
  try {
    assertWorkspace({ workspace, trusted });
    return pass(workspace);
  } catch (error) {
    return fail(toProblem(error).message);
  }
}

const pass = (message: string) => ({ status: "pass" as const, message });
const fail = (message: string) => ({ status: "fail" as const, message });
