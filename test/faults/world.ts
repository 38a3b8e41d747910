import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Artifacts } from "../../lib/artifacts/port.ts";
import { agentCoreBackend } from "../../lib/backends/agentcore/backend.ts";
import { logGroupOf } from "../../lib/backends/agentcore/place.ts";
import { RefusedError, RetryableError } from "../../lib/contract/errors.ts";
import type { Task } from "../../lib/contract/task.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { stepHandlers } from "../../lib/engine/steps/handler.ts";
import { createTable } from "../../lib/store/dynamodb/create-table.ts";
import { openTaskStore as openDynamoStore } from "../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { openTaskStore as openSqliteStore } from "../../lib/store/sqlite/task-store.ts";
import type { StepInput } from "../../lib/workflow/port.ts";
import { Emulator, IMAGE, REGION, ROLE } from "../emulators/agentcore/emulator.ts";
import type { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import type { startEcr } from "../emulators/ecr.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { loggedBy } from "../fixtures/logged-by.ts";
import type { Faults } from "./faults.ts";
import { Executions, Functions } from "./functions.ts";
import { effect, type Life, live } from "./lives.ts";
import { contractLessContainer, VirtualMachines } from "./machines.ts";
import { agentCoreService, dynamoService, type Handler, requestHandler, standInService } from "./requests.ts";
import type { VirtualTime } from "./virtual-time.ts";

const dynalite = createRequire(import.meta.url)("dynalite") as (options: object) => {
  listeners(event: "request"): ((request: unknown, response: unknown) => void)[];
};

export type StandIns = {
  logs: Awaited<ReturnType<typeof startCloudWatchLogs>>;
  images: Awaited<ReturnType<typeof startEcr>>;
};

/** Where files are in memory, if the machine has that: a write that waits for a disk keeps the whole run waiting. */
const MEMORY = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Seconds after which a function of a step is ended: as long as its state waits for it. */
const STEP_SECONDS = 120;
const HOLD_SECONDS = 900;

type Options = {
  time: VirtualTime;
  faults: Faults;
  standIns: StandIns;
  store: "sqlite" | "dynamodb";
  limits: { maxRunning: number; timeoutSeconds: number; answerSeconds?: number };
  idleMinutes: number;
  warm?: { count: number; mode: "session" | "runtime" } | undefined;
  /** Is told each line that the system logs. */
  tell: (line: string) => void;
};

/**
 * The system as it runs on AWS, with everything around it, in one process and on virtual time: functions that die, executions, the
 * store, and AgentCore with its machines.
 */
export async function openWorld({ time, faults, standIns, store: kind, limits, idleMinutes, warm, tell }: Options) {
  const folder = mkdtempSync(join(MEMORY, "agent-dispatch-faults-"));
  const sleep = (ms: number) => time.sleep(ms);
  const files = new Map<string, Uint8Array>();
  const asleep = (ms: number) => time.sleep(ms, false);
  const machines = new VirtualMachines({
    sleep: asleep,
    put: (url) => files.set(new URL(url).pathname, new Uint8Array()) !== undefined,
    booted: (key) => {
      const [, id = ""] = /:runtime\/([^/]+)\//.exec(key) ?? [];
      standIns.logs.print(logGroupOf(id, "DEFAULT"), "2026/01/01/[runtime-logs-1]one", "ready");
    },
  });
  const emulator = new Emulator({ machines, isSigned: false });
  const contractLess = emulator.deploy("stranger", { contractLess: contractLessContainer(machines, asleep) });
  const deployed = emulator.deploy("deployed");
  standIns.logs.clear();

  const services = {
    "bedrock-agentcore": agentCoreService(emulator),
    logs: standInService("logs", standIns.logs),
    "api.ecr": standInService("ecr", standIns.images),
    dynamodb: dynamoService(dynalite({ createTableMs: 0 }).listeners("request")[0] ?? (() => {}), (by) => {
      time.busy += by;
    }),
  };
  const handler = requestHandler(faults, services);

  const made = { ecrImageUri: IMAGE, executionRoleArn: ROLE };
  const configured = (kept: Options["warm"]) =>
    parseConfiguration({
      accounts: { aws: { provider: "aws", region: REGION } },
      backends: {
        agentcore: { adapter: "aws-agentcore", account: "aws", details: { ...made, runtimeArn: deployed } },
        ready: { adapter: "aws-agentcore", account: "aws", details: { ...made, runtimeArn: deployed } },
        narrow: { adapter: "aws-agentcore", account: "aws", details: { ...made, runtimeArn: deployed } },
        stranger: { adapter: "aws-agentcore", account: "aws", details: { runtimeArn: contractLess, contract: "none" } },
      },
      runtimes: {
        narrow: { backend: "narrow", limits: { maxRunning: 1 } },
        ready: {
          backend: "ready",
          target: { mode: kept?.mode ?? "session" },
          ...(kept && kept.count > 0 && { warm: kept.count }),
        },
        talk: { backend: "agentcore", framework: "echo", target: { mode: "session" } },
        crew: { backend: "agentcore", framework: "echo", target: { mode: "runtime" } },
      },
      defaults: { limits: { graceSeconds: 5, ...limits } },
      cloud: { runtimeIdleMinutes: idleMinutes },
    });
  let configuration = configured(warm);

  const say = (level: string) => (message: string, facts?: object) =>
    tell(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
  const log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };

  const sqlite = kind === "sqlite" ? openSqliteStore(folder, { steady: () => time.now(), log }) : undefined;
  const openStore = (): TaskStore & { close(): void } =>
    sqlite ?? openDynamoStore({ tableName: TABLE, client: dynamoClient(handler), log });
  const store = openStore();
  if (kind === "dynamodb") await createTableOnVirtualTime(time, handler);

  const functions = new Functions(sleep, (name) => faults.fateOf(name));
  const executions = new Executions((state, event) => {
    const input = event as StepInput;
    const limit = state === "SynchronousCall" ? HOLD_SECONDS : STEP_SECONDS;
    return call(`${state} ${input.id}-${input.n}`, limit, async (ports) => stepHandlers(() => ports)[state]?.(input));
  });

  /** What one environment of a function keeps between its calls; one that was killed never comes back. */
  function environment() {
    const backend = agentCoreBackend({
      region: REGION,
      ownRuntimeArn: deployed,
      ownImageUri: undefined,
      runtimePrefix: "ad_0a1b2c3d_",
      configuration: () => configuration,
      log,
      now: Date.now,
      holdSeconds: 840,
      requestHandler: handler as never,
    });
    return { backend, store: openStore() };
  }
  type Environment = ReturnType<typeof environment>;
  const idle: Environment[] = [];

  const unavailable = (what: string) => () =>
    Promise.reject(new RetryableError("platform.store_unavailable", `${what} cannot be reached, on demand`));
  const failing = (what: string) => ({ error: unavailable(what), lost: unavailable(what) });

  /** An implementation of a port in which every method is an effect, but for those. */
  function seamed<T extends object>(port: T, name: string, besides: readonly string[]): T {
    return new Proxy(port, {
      get(target, method: string) {
        const known = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
        if (typeof known !== "function") return known;
        const act = (...args: unknown[]) => counted(() => known.apply(target, args));
        if (besides.includes(method)) return (...args: unknown[]) => known.apply(target, args);
        return (...args: unknown[]) => effect(faults, `${name}.${method}`, "", () => act(...args), failing(name));
      },
    });
  }

  /** What is done outside of this process's turns: a file that is brought to disk. */
  async function counted<T>(work: () => Promise<T>): Promise<T> {
    time.busy += 1;
    try {
      return await live(undefined, work);
    } finally {
      time.busy -= 1;
    }
  }

  const artifacts: Artifacts = {
    async put(taskId, name, content) {
      const uri = `memory://${taskId}/${name}`;
      files.set(uri, content);
      return { uri, sizeBytes: content.byteLength, sha256: "0".repeat(64) };
    },
    async get({ uri }) {
      const content = files.get(uri);
      if (content) return content;
      throw new RefusedError("artifact.not_found", `there is no ${uri}`);
    },
    uploadTarget: async (taskId, { id }) => ({ url: `https://files.example/${taskId}/${id}`, headers: {} }),
    downloadTarget: async () => undefined,
    has: async (taskId, { id, name }) => files.has(`/${taskId}/${id}`) || files.has(`memory://${taskId}/${name}`),
    uriOf: async (taskId, { id }) => `https://files.example/${taskId}/${id}`,
  };

  const portsOf = (of: Environment, closing: AbortSignal): Ports => ({
    // Each call is a process of its own: what its calls share stays there.
    store: kind === "sqlite" ? seamed(of.store, "store", ["waitForChange"]) : new Proxy(of.store, {}),
    artifacts: seamed(artifacts, "artifacts", []),
    workflow: {
      start: (id, n) =>
        effect(faults, "states.StartExecution", id, async () => executions.start(id, n), {
          error: () => Promise.reject(new RetryableError("platform.workflow_unavailable", "on demand")),
          lost: () => Promise.reject(new RetryableError("platform.workflow_unavailable", "on demand")),
        }),
    },
    backends: { [of.backend.name]: of.backend },
    configuration: () => configuration,
    now: Date.now,
    steady: () => Math.floor(performance.now()),
    pace: { visitSeconds: 90, maxPauseSeconds: 60 },
    closing,
    log,
    observe: loggedBy(log),
  });
  const open = new AbortController().signal;

  /** Has a function work on an event, with ports of its own. */
  function call<T>(name: string, limitSeconds: number, work: (ports: Ports, life: Life) => Promise<T>): Promise<T> {
    return functions.call(name, limitSeconds * 1000, async (life) => {
      const mine = idle.pop() ?? environment();
      const answer = await work(portsOf(mine, open), life).finally(() => idle.push(mine));
      return answer;
    });
  }

  return {
    emulator,
    machines,
    /** Names of the runtimes that somebody else deleted. */
    vanished: [] as string[],
    /** The runtime that is there in any case, by its id. */
    deployedId: deployed.split("/").at(-1) ?? "",
    standIns,
    executions,
    functions,
    configuration: () => configuration,
    /** From now on no session is to be kept ready. */
    keepNoneReady() {
      configuration = configured(warm && { ...warm, count: 0 });
    },
    files,
    call,
    /** For whoever looks at the world from outside: nothing goes wrong there. */
    store,
    close() {
      executions.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type World = Awaited<ReturnType<typeof openWorld>>;

/** The tasks of these owners, whole. */
export async function tasksOf({ store }: Pick<World, "store">, owners: string[]): Promise<Task[]> {
  const pages = await Promise.all(owners.map((owner) => store.list(owner, { limit: 100 })));
  const listed = pages.flatMap(({ items }) => items);
  const whole = await Promise.all(listed.map(({ id }) => store.get(id)));
  return whole.filter((task) => task !== undefined);
}

const TABLE = "agent-dispatch";
const SIGNED = {
  authorization: "AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=none",
  "x-amz-date": "20260101T000000Z",
};

function dynamoClient(requestHandler: Handler): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    region: REGION,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    // To make a signature that nobody looks at takes a tenth of a run.
    signer: { sign: async (request) => ({ ...request, headers: { ...request.headers, ...SIGNED } }) as never },
    maxAttempts: 5,
    retryMode: "standard",
    requestHandler: requestHandler as never,
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

async function createTableOnVirtualTime(time: VirtualTime, handler: Handler): Promise<void> {
  let isMade = false;
  const making = createTable(dynamoClient(handler), TABLE).then(() => {
    isMade = true;
  });
  await time.runUntil(() => isMade, 60_000);
  await making;
}
