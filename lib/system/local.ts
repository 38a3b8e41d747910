import { createHmac } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AgentService } from "../agents/service.ts";
import { openArtifacts } from "../artifacts/files/artifacts.ts";
import type { AdapterRegistration } from "../backends/adapter.ts";
import { agentCoreBackend } from "../backends/agentcore/backend.ts";
import { agentCore } from "../backends/agentcore/description.ts";
import { estimateOf } from "../backends/estimate.ts";
import { type LocalBackend, localBackend } from "../backends/local-process/backend.ts";
import { localProcess } from "../backends/local-process/description.ts";
import { commandLine } from "../client/local/program.ts";
import { folderBackend } from "../config/agent-workspaces.ts";
import { watchConfiguration } from "../config/config-file.ts";
import { editConfigurationFile } from "../config/edit-file.ts";
import { prepareState } from "../config/state-files.ts";
import { toolsetOf } from "../contract/configuration.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import { defined } from "../contract/json.ts";
import { type Logger, logLevelOf } from "../contract/logger.ts";
import { without } from "../contract/task.ts";
import { breather } from "../engine/admission/breather.ts";
import { observedStore } from "../engine/observation/observed-store.ts";
import type { Ports } from "../engine/ports.ts";
import { recoverAll } from "../engine/recovery.ts";
import { type Caller, TaskService } from "../engine/service.ts";
import { sweepRuntimes } from "../engine/shared-runtimes/housekeeping.ts";
import { keepWarm } from "../engine/shared-runtimes/keep-warm.ts";
import { stepHandlers } from "../engine/steps/handler.ts";
import type { Step } from "../engine/steps/step.ts";
import type { McpExtra } from "../mcp/extra.ts";
import { createMcp } from "../mcp/server.ts";
import type { EstimateOf } from "../store/ledger.ts";
import type { TaskStore } from "../store/port.ts";
import { openTaskStore } from "../store/sqlite/task-store.ts";
import { readableOrNewer } from "../store/stored-task.ts";
import { localWorkflow } from "../workflow/in-process.ts";
import { lockState, readOrMakeToken } from "./local/endpoint.ts";
import { openHttp } from "./local/http.ts";
import { untilIdle } from "./local/idleness.ts";
import { startJanitor } from "./local/janitor.ts";
import { tryLock } from "./local/lock.ts";
import { stderrLogger } from "./local/logger.ts";
import { localObserver } from "./local/observer.ts";
import { isAnythingOpen, neededSessions } from "./local/settling.ts";
import { bridgeForTask, openForTask } from "./local/task-door.ts";
import { type TaskListener, tellingOfTasks } from "./local/task-news.ts";
import { keepYoungSpaceSmall } from "./local/young-space.ts";

const OWNER = "local";
/**
 * A streamed answer may last an hour:
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
 */
const HOLD_SECONDS = 3600;
/** How long the system tries, as it ends, to have runtimes taken for deletion, and how often. */
const DROP_MS = 10_000;
const DROP_AGAIN_MS = 500;

/** A table that this system alone uses; without an endpoint and region the environment says where it is. */
export type DynamoStore = { kind: "dynamodb"; table: string; endpoint?: string; region?: string };

export type LocalOptions = {
  configFile?: string;
  stateDir?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  log?: Logger;
  /** Whether a worker is kept ready for the next task; default true. */
  prewarm?: boolean;
  /** Where tasks are kept; by default in SQLite, in the state folder. */
  store?: DynamoStore;
  /** Hears of each task that begins, asks for input or ends. */
  onTask?: TaskListener;
  /** Adapters besides those of this project. */
  adapters?: readonly AdapterRegistration[];
  /** For tests: other functions in place of the workflow's steps. */
  steps?: Readonly<Record<string, Step>>;
  /** For tests: what the MCP endpoint serves besides its own. */
  extra?: (tasksOf: (caller: Caller) => TaskService) => McpExtra;
};

export type LocalSystem = {
  /** The MCP endpoint. */
  url: string;
  token: string;
  tokenFile: string;
  stateDir: string;
  /** The configuration file, if there is one. */
  configFile?: string;
  ports: Ports;
  /** Resolves once nothing was open here, and nobody asked for anything, for that many milliseconds. */
  untilIdle(forMs: number): Promise<void>;
  /**
   * Resolves once nothing of this system runs in this process; workers with a job go on, and are found at the next start,
   * other than those of the task named and of what it dispatched.
   */
  close(ending?: string): Promise<void>;
};

/**
 * Starts the whole system on this machine: store, workflow, workers and MCP endpoint. Tasks that an earlier process left
 * are found again. Throws DispatchError `local.already_running`, `local.port_in_use`, `local.state_unwritable` or
 * `configuration.invalid`; then nothing was started.
 */
export async function startLocal(options: LocalOptions = {}): Promise<LocalSystem> {
  const log = options.log ?? stderrLogger(logLevelOf(process.env[environmentVariables.logLevel]));
  keepYoungSpaceSmall();
  const closers: (() => void | Promise<void>)[] = [];
  let ending: string | undefined;
  let closed: Promise<void> | undefined;
  const closeAll = (taskId?: string): Promise<void> => {
    ending ??= taskId;
    // Whoever closes it once more waits for the same end.
    closed ??= (async () => {
      for (const close of closers.splice(0).reverse()) await close();
    })();
    return closed;
  };
  try {
    const { configFile, adapters: more = [] } = options;
    const adapters = [localProcess, agentCore, ...more.map(({ description }) => description)];
    const place = defined({ cwd: process.cwd(), ownFile: true, configFile, stateDir: options.stateDir });
    const watched = watchConfiguration({ ...place, adapters }, log);
    closers.push(() => watched[Symbol.dispose]());
    const { stateDir } = watched.loaded;
    prepareState(stateDir);
    const lock = lockState(stateDir);
    closers.push(() => lock.release());
    const { token, tokenFile } = readOrMakeToken(stateDir);

    const { retentionDays } = watched.loaded.configuration;
    const estimate: EstimateOf = (task) => estimateOf(ports.backends, task);
    const opened = options.store
      ? await openDynamoStore(options.store, { retentionDays, estimate, log })
      : openTaskStore(stateDir, { retentionDays, estimate, log });
    closers.push(() => opened.close());
    const observe = localObserver(log);
    const observed = observedStore(opened, observe, Date.now);
    const store = options.onTask ? tellingOfTasks(observed, options.onTask) : observed;
    const secret = createHmac("sha256", token).update("artifact uploads").digest();
    let baseUrl = "";
    const artifacts = openArtifacts(join(stateDir, "artifacts"), {
      baseUrl: () => baseUrl,
      secret,
      retentionDays,
    });
    const backend = localBackend({ stateDir, configuration: watched.current, log, prewarm: options.prewarm ?? true });
    // Beside all that follows: the first worker is there when the first task is.
    void backend.prewarm();
    // Nobody is left to end the session of a task that is over.
    closers.push(() =>
      backend.reconcile(() => neededSessions({ store }, ending)).catch((error) => log.warn(String(error))),
    );
    const workflow = localWorkflow({
      handlers: stepHandlers(() => ports, options.steps),
      isClosing: () => closing.signal.aborted,
      log,
    });
    let runtimesOf: Ports | undefined;
    closers.push(() => runtimesOf && dropRuntimes(runtimesOf));
    closers.push(() => workflow.close());
    closers.push(() => backend.close());
    const { current: configuration } = watched;
    // Until it is used it loads no SDK and looks for no credentials.
    const cloud = agentCoreBackend({
      configuration,
      log,
      now: Date.now,
      holdSeconds: HOLD_SECONDS,
      asCaller: true,
      // Of this state folder alone: others use the same account.
      runtimePrefix: `ad_${createHmac("sha256", token).update("names of runtimes").digest("hex").slice(0, 8)}_`,
    });
    const others = more.map(({ open }) => open({ configuration, log }));
    const closing = new AbortController();
    const ports: Ports = {
      store,
      artifacts,
      workflow,
      backends: Object.fromEntries([backend, cloud, ...others].map((adapter) => [adapter.name, adapter])),
      configuration: watched.current,
      now: Date.now,
      steady: () => Math.floor(performance.now()),
      // A visit costs nothing here, so it lasts, and a job's end is seen at once.
      pace: { visitSeconds: 50, maxPauseSeconds: 0 },
      closing: closing.signal,
      log,
      observe,
      dispatching: ({ id }) => ({
        by: bridgeForTask({ launcher: commandLine({ stateDir }), stateDir, secret: token, taskId: id }),
      }),
    };
    runtimesOf = ports;
    const tasksOf = ({ owner, within }: Caller, trace?: string) =>
      new TaskService({ ...ports, ...defined({ trace, within }) }, owner);
    const agentsOf = (caller: Caller) =>
      new AgentService({
        tasks: tasksOf(caller),
        configuration,
        file: watched.file,
        edit: (decide, dry = false) =>
          editConfigurationFile({ ...place, adapters }, watched.file(), decide, { tryLock, dry }),
        backendOf: (current) => folderBackend(current, adapters),
        stateDir,
      });
    const extra = options.extra?.(tasksOf) ?? {};
    const mcp = createMcp({ tasksOf, agentsOf, toolset: () => toolsetOf(configuration()), log, extra });
    const http = await openHttp(
      {
        token,
        taskOf: (given) => openForTask(ports, token, given),
        mcp: (request, within) => mcp.fetch(request, { owner: OWNER, ...defined({ within }) }),
        artifacts: artifacts.serve,
      },
      options.port ?? 0,
    );
    closers.push(() => http.close());
    closers.push(() => closing.abort());
    baseUrl = new URL(http.url).origin;

    await resume(ports, backend.reconcile);
    const janitor = startJanitor(ports);
    closers.push(() => janitor[Symbol.dispose]());
    lock.announce(http.url);
    const { file } = watched.loaded;
    return {
      url: http.url,
      token,
      tokenFile,
      stateDir,
      ...(file !== undefined && { configFile: file }),
      ports,
      untilIdle: (forMs) => untilIdle(http, () => isAnythingOpen(ports), forMs),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * Nobody is left here who would delete them later: those that no task uses go now. What does not go in time is found again at
 * the next start.
 */
async function dropRuntimes(ports: Ports): Promise<void> {
  const late = AbortSignal.timeout(DROP_MS);
  const drop = async () => {
    await keepWarm(ports, { ending: true });
    // One that is just being made cannot be deleted before it is there.
    while ((await sweepRuntimes(ports, { idleMs: 0 })).held > 0 && !late.aborted) await setTimeout(DROP_AGAIN_MS);
  };
  const over = once(late, "abort");
  await Promise.race([over, drop()]).catch((error) => ports.log.warn(String(error)));
}

/** On a stand-in for DynamoDB the table is made when it is missing. */
async function openDynamoStore(
  { table: tableName, ...connection }: DynamoStore,
  options: { retentionDays: number; estimate: EstimateOf; log: Logger },
): Promise<TaskStore & { close(): void }> {
  const [{ openTaskStore }, { prepareTable }] = await Promise.all([
    import("../store/dynamodb/task-store.ts"),
    import("../store/dynamodb/create-table.ts"),
  ]);
  await prepareTable({ tableName, ...connection });
  return openTaskStore({ tableName, ...options, ...connection });
}

/** Ends what belongs to nobody, and brings every open task on: its worker is found again, or found to be gone. */
async function resume(ports: Ports, reconcile: LocalBackend["reconcile"]): Promise<void> {
  let ids: string[] = [];
  await reconcile(async () => {
    ids = await ports.store.listDue(Number.MAX_SAFE_INTEGER, 100_000);
    const owed = new Set<string>();
    let hasNewer = false;
    const breathe = breather();
    for (const id of ids) {
      await breathe();
      // Nothing has been done yet for one that waits, and nobody has to write it.
      const known = await readableOrNewer(ports.store, id);
      if (known === "newer") hasNewer = true;
      if (known === "newer" || known?.status === "queued") continue;
      // Nobody else can hold a lease or be inside an invocation: the process that did is gone. A worker that went with
      // it says nothing against the next.
      const task = await ports.store.change(id, ({ lease: _gone, ...task }) =>
        task.session ? { ...task, session: { ...without(task.session, "lostWorkers"), inFlight: {} } } : task,
      );
      if (task.obligations.session !== undefined) owed.add(task.obligations.session);
    }
    // Any session may be that of a task that a newer version of the program wrote.
    return hasNewer ? undefined : owed;
  });
  await recoverAll(ports, ids, { hadChance: false });
}
