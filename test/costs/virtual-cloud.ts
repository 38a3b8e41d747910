import { openObservation } from "../../lib/aws/observe/observe.ts";
import { agentCoreBackend } from "../../lib/backends/agentcore/backend.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { isSettled, type Json, type Task } from "../../lib/contract/task.ts";
import { observedStore } from "../../lib/engine/observation/observed-store.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { stepHandlers } from "../../lib/engine/steps/handler.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { cloudPace } from "../../lib/system/aws.ts";
import { localWorkflow } from "../../lib/workflow/in-process.ts";
import type { StepInput } from "../../lib/workflow/port.ts";
import { asEnvironment } from "../emulators/agentcore/account.ts";
import { credentials, Emulator, IMAGE, REGION, ROLE } from "../emulators/agentcore/emulator.ts";
import type { Park } from "../emulators/agentcore/machines.ts";
import { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import { startDynalite } from "../emulators/dynalite.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { VirtualClock } from "../fixtures/virtual-clock.ts";
import { meteredClient } from "../store/dynamodb/capacity.ts";
import { itemSize } from "../store/dynamodb/item-size.ts";
import { Tally } from "./tally.ts";
import { type CountedJob, startVirtualWorker } from "./virtual-worker.ts";

/** An owner as a deployment has them. */
const OWNER = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Developers_0123456789abcdef/somebody@example.com";
const DIGEST = `${IMAGE.replace(/:1$/, "")}@sha256:${"a".repeat(64)}`;

/** On what a counted task runs: a session of a runtime that is there, one that others made before, or a runtime of its own. */
export const targets = ["session", "reused", "own"] as const;
export type Target = (typeof targets)[number];

/** What no emulator can say: how long AgentCore takes. Each is a guess that the page names. */
export const assumed = { bootMs: 5000, goneAfterMs: 240_000, readyAfterGets: 5 };

const configurationWith = (runtimeArn: string, maxRunning: number): ConfigurationInput => ({
  accounts: { aws: { provider: "aws", region: REGION } },
  backends: {
    cloud: {
      adapter: "aws-agentcore",
      account: "aws",
      details: { region: REGION, runtimeArn, ecrImageUri: DIGEST, executionRoleArn: ROLE },
    },
  },
  defaults: { limits: { maxRunning } },
});

/**
 * The control plane as it is deployed, with its definition, steps, adapter and store, on emulators of DynamoDB and AgentCore and a
 * clock that jumps from appointment to appointment; all that it asks for is counted, function by function.
 */
export async function openVirtualCloud(first: CountedJob, { maxRunning = 50 } = {}) {
  const stack = new AsyncDisposableStack();
  let job = first;
  const clock = new VirtualClock(Date.UTC(2026, 10, 22, 9, 17, 31, 123));
  const { now, steady } = clock;
  const tally = new Tally();
  const [emulator, dynalite, worker] = await Promise.all([
    new Emulator().listen(),
    startDynalite(),
    startVirtualWorker(clock, () => job, assumed.bootMs),
  ]);
  stack.use(emulator);
  stack.defer(dynalite.stop);
  stack.defer(worker.close);
  const logs = await startCloudWatchLogs({
    region: REGION,
    identities: { [credentials.accessKeyId]: credentials.secretAccessKey },
  });
  stack.defer(() => logs.close());
  const before = { ...process.env };
  stack.defer(() => {
    process.env = before;
  });
  Object.assign(process.env, asEnvironment(credentials), {
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
    POWERTOOLS_SERVICE_NAME: "agent-dispatch",
    POWERTOOLS_METRICS_NAMESPACE: "AgentDispatch/agent-dispatch",
  });

  // Its machines are all this one worker; a runtime is ready, and gone, when its time has come.
  const sessions = new Set<string>();
  Object.assign(emulator.machines, {
    async of(key) {
      sessions.add(key);
      return new URL(worker.url);
    },
    end: async (key) => sessions.delete(key),
  } satisfies Partial<Park>);
  emulator.runtimes.getsUntilReady = assumed.readyAfterGets;
  emulator.runtimes.getsUntilGone = Number.POSITIVE_INFINITY;
  const deletedAtMs = new Map<string, number>();
  const bury = () => {
    for (const runtime of emulator.runtimes.made) {
      if (runtime.status !== "DELETING") continue;
      if (!deletedAtMs.has(runtime.id)) deletedAtMs.set(runtime.id, now());
      if (now() - (deletedAtMs.get(runtime.id) ?? 0) >= assumed.goneAfterMs) runtime.getsLeft = 0;
    }
  };

  const tableName = await dynalite.makeTable();
  const { client, close } = await meteredClient(dynalite.endpoint, ({ write, read }) =>
    tally.add({ requests: 1, write, read }),
  );
  stack.defer(close);
  const table = openTaskStore({ tableName, client, now });
  stack.defer(() => table.close());
  const { log, observe, inRequest } = openObservation({ level: "info", version: "0.1.0" });
  const store: TaskStore = {
    ...observedStore(table, observe, now),
    // Whoever waits for a change looks each second, as across processes.
    waitForChange: (_id, _revision, timeoutMs) => clock.sleep(Math.min(1000, timeoutMs)),
  };

  const running = new Set<string>();
  let isHeld = false;
  /** Runs an invocation of a function: counted, with a request id in its lines. */
  const invoke = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    tally.during(name, async () => {
      const begunMs = steady();
      const requests = emulator.calls.length;
      try {
        return await inRequest("c7731a88-f6b7-4810-a729-33ceaad2c459", work);
      } finally {
        tally.add({ heldMs: steady() - begunMs, requests: emulator.calls.length - requests });
      }
    });

  const states: Record<string, number> = {};
  const handlers = Object.fromEntries(
    Object.entries(stepHandlers(() => ports)).map(([state, step]) => [
      state,
      async (input: StepInput) => {
        states[state] = (states[state] ?? 0) + 1;
        bury();
        const output = await invoke(state, () => step(input));
        await clock.sleep(output.waitSeconds * 1000);
        if (state === "Cleanup" && !output.again && running.delete(`${input.id}-${input.n}`)) clock.leave();
        return { ...output, waitSeconds: 0 };
      },
    ]),
  );
  const engine = localWorkflow({ handlers, isClosing: () => false, log });
  stack.defer(() => engine.close());
  let heads = 0;
  const own = emulator.deploy("shared");
  const parsed = parseConfiguration(configurationWith(own, maxRunning));
  const backend = agentCoreBackend({
    region: REGION,
    ownRuntimeArn: own,
    configuration: () => parsed,
    log,
    now,
    holdSeconds: 840,
  });
  const noValue = () => Promise.reject(new Error("no counted task has a large value"));
  const ports: Ports = {
    store,
    artifacts: {
      put: noValue,
      get: noValue,
      uploadTarget: async () => ({ url: worker.url, headers: {} }),
      downloadTarget: async () => undefined,
      has: async () => {
        heads += 1;
        tally.add({ requests: 1 });
        return true;
      },
      uriOf: async () => worker.url,
    },
    workflow: {
      start(id, n) {
        tally.add({ requests: 1 });
        if (isHeld) return Promise.resolve("started");
        if (!running.has(`${id}-${n}`)) clock.join();
        running.add(`${id}-${n}`);
        return engine.start(id, n);
      },
    },
    backends: { [backend.name]: backend },
    configuration: () => parsed,
    now,
    steady,
    pace: cloudPace,
    closing: new AbortController().signal,
    log,
    observe,
  };
  const service = new TaskService(ports, OWNER);

  const placeOf = {
    session: { mode: "session" },
    reused: { mode: "runtime" },
    own: { mode: "runtime", details: { reuse: false } },
  } satisfies Record<Target, Json>;
  return {
    clock,
    ports,
    tally,
    states,
    /** What jobs do from now on. */
    job(next: CountedJob) {
      job = next;
    },
    /** Lets no execution begin from now on. */
    hold() {
      isHeld = true;
    },
    /** Forgets what was counted so far. */
    reset() {
      for (const counted of [tally.work, states]) for (const name of Object.keys(counted)) delete counted[name];
    },
    /** Executions that are not over. */
    running: () => running.size,
    /** A call of a tool, as the endpoint serves it. */
    call: <T>(work: (service: TaskService) => Promise<T>): Promise<T> => invoke("mcp", () => work(service)),
    invoke,
    /** What `dispatch_task` takes for a job of that kind. */
    jobFor: (target: Target): Json => ({
      provider: "aws",
      account_profile: "aws",
      capability: "agent-runtime",
      task_type: "command.run",
      target: placeOf[target],
      input: { command: "make test", args: ["--all"] },
      timeout_seconds: 27_000,
    }),
    async settled(id: string): Promise<Task> {
      for (;;) {
        const task = await table.get(id);
        if (task && isSettled(task)) return task;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** Requests to S3 so far: files that workers sent, and looks whether they are there. */
    s3: () => ({ write: worker.uploads(), read: heads }),
    /** What AgentCore still has of tasks. */
    left: () => ({ sessions: [...sessions], runtimes: emulator.inventory.runtimes }),
    /** Bytes in the table. */
    async storedBytes(): Promise<number> {
      const { ScanCommand } = await import("@aws-sdk/lib-dynamodb");
      const { Items = [] } = await dynalite.client.send(new ScanCommand({ TableName: tableName }));
      return Items.reduce((sum, item) => sum + itemSize(item), 0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
export type VirtualCloud = Awaited<ReturnType<typeof openVirtualCloud>>;
