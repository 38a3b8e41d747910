/**
 * A job on a runtime that knows nothing of the worker contract, driven by functions whose processes share nothing but the
 * table, the bucket and AgentCore.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { isSettled, type Session, type Task } from "../../../lib/contract/task.ts";
import { cancelTask } from "../../../lib/engine/cancellation.ts";
import { inFlightUntil } from "../../../lib/engine/invocation-gate.ts";
import { waitForTask } from "../../../lib/engine/poll/waiting.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import definition from "../../../lib/workflow/dispatch.asl.json" with { type: "json" };
import { makeTask } from "../../contract/make-task.ts";
import { type ContractLessAgent, Emulator } from "../../emulators/agentcore/emulator.ts";
import { startAgent } from "../../emulators/agents/start-agent.ts";
import { runner, type StateFunction } from "../../emulators/executions.ts";
import { type Cloud, openCloud } from "../../emulators/functions.ts";
import type { DeployedFunction } from "../../emulators/lambda-runner.ts";
import { startS3 } from "../../emulators/s3.ts";
import { openPorts } from "../../mcp/ports.ts";

const ENTRY = "lambdas/workflow/handler.ts";
const waits = { PauseBeforeWatch: 300, PauseBeforeCleanup: 500 };
const settles = { timeout: 50_000, interval: 100 };

let cloud: Cloud;
let emulator: Emulator;
let s3: Awaited<ReturnType<typeof startS3>>;
const functions: Record<string, DeployedFunction> = {};

const environment = (step: string) => ({
  [environmentVariables.step]: step,
  AWS_ENDPOINT_URL_S3: s3.endpoint,
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
});

beforeAll(async () => {
  [cloud, emulator, s3] = await Promise.all([openCloud(), new Emulator().listen(), startS3()]);
  s3.makeBucket("artifacts");
  for (const state of Object.keys(steps)) functions[state] = await cloud.deploy(ENTRY, environment(state));
});
afterAll(async () => {
  await cloud?.stop();
  await emulator?.[Symbol.asyncDispose]();
  s3?.close();
});

type Invocable = Record<string, Pick<DeployedFunction, "invoke">>;

/** The functions as the machine calls them; what they throw has the name and message that Lambda hands on. */
const asStates = (deployed: Invocable): Record<string, StateFunction> =>
  Object.fromEntries(
    Object.entries(deployed).map(([state, target]) => [
      state,
      async (event) => {
        const response = await target.invoke(event);
        const body = (await response.json()) as { errorType: string; errorMessage: string };
        if (!response.headers.has("x-amz-function-error")) return body;
        throw Object.assign(new Error(body.errorMessage), { name: body.errorType });
      },
    ]),
  );

/** Somebody who waits for tasks and cancels them, in a process that makes no calls. */
function caller(): Ports {
  const ports = openPorts();
  const { configuration, log, now } = ports;
  const backend = agentCoreBackend({ endpoint: emulator.endpoint, configuration, log, now, holdSeconds: 840 });
  return { ...ports, store: cloud.store, backends: { [backend.name]: backend } };
}

let number = 0;
/** Starts the job of a task that was admitted, on an agent of its own. */
async function begin(
  contractLess: ContractLessAgent,
  overrides: Partial<Task> = {},
  {
    deployed = functions,
    machine = definition,
    serverProtocol = "HTTP",
  }: { deployed?: Invocable; machine?: unknown; serverProtocol?: string } = {},
) {
  const runtimeArn = emulator.deploy(`contract_less_${number++}`, { contractLess, serverProtocol });
  const task = makeTask({
    provider: "aws",
    accountProfile: "dev-aws",
    backend: "aws-agentcore",
    taskType: "agent.run",
    input: { instruction: "ask" },
    status: "provisioning",
    target: { mode: "session", details: { runtimeArn, contract: "none" } },
    ...overrides,
  });
  await cloud.store.create(task);
  const execute = runner({ definition: machine, functions: asStates(deployed), waits, now: Date.now });
  const execution = execute(`${task.id}-1`, JSON.stringify({ id: task.id, n: 1 }));
  onTestFinished(() => execution.abort());
  const session = task.id.replace(/^task_/, "ad-");
  const callsOf = (operation: string) =>
    emulator.calls.filter((call) => call.operation === operation && call.session === session).length;
  const settled = async () => {
    await expect.poll(async () => isSettled((await cloud.store.get(task.id)) ?? task), settles).toBe(true);
    return (await cloud.store.get(task.id)) as Task;
  };
  const log = async () => (await cloud.store.readLog(task.id, 0, 10_000)).data;
  return { id: task.id, callsOf, settled, log };
}

/** An agent that streams, and answers when it is told to. */
function streaming() {
  const open = Promise.withResolvers<ServerResponse>();
  const agent: ContractLessAgent = (_body, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write('data: {"step":1}\n\n');
    open.resolve(response);
  };
  return { agent, open: open.promise };
}

const hasLog = { timeoutSeconds: 20, until: ({ logLength }: Task) => logLength > 0 };

describe("a job on a contract-less runtime, from functions", () => {
  test("is seen as it goes on, and a large answer is its result", async () => {
    const { agent, open } = streaming();
    const job = await begin(agent);
    const response = await open;
    const { task } = await waitForTask(caller(), job.id, hasLog);
    expect(task.status).toBe("running");
    expect(await job.log()).toBe('{"step":1}\n');
    response.end(`data: ${JSON.stringify({ text: "x".repeat(150_000) })}\n\n`);
    const ended = await job.settled();
    expect(ended).toMatchObject({ status: "succeeded", resultRef: { sizeBytes: 150_011 }, session: { inFlight: {} } });
    expect(job.callsOf("InvokeAgentRuntime")).toBe(1);
    expect(job.callsOf("StopRuntimeSession")).toBeGreaterThan(0);
  });

  test("is broken off by a cancel", async () => {
    const { agent, open } = streaming();
    const job = await begin(agent);
    const closed = once(await open, "close");
    await waitForTask(caller(), job.id, hasLog);
    await cancelTask(caller(), job);
    await closed;
    const { task } = await waitForTask(caller(), job.id, { timeoutSeconds: 20, until: () => false });
    expect(task.status).toBe("cancelled");
    const leftMs = inFlightUntil(task.session as Session) - Date.parse(task.phases.cancelled ?? "");
    expect(leftMs).toBeGreaterThan(15_000);
    expect(leftMs).toBeLessThanOrEqual(30_000);
    expect(job.callsOf("InvokeAgentRuntime")).toBe(1);
  });

  test("is a tool's of an MCP server, and what it answered is kept whole", async () => {
    const job = await begin(await startAgent("mcp"), {}, { serverProtocol: "MCP" });
    expect(await job.settled()).toMatchObject({ status: "succeeded", result: "run_task: ## Task\n\nask" });
    expect(await job.log()).toBe("half\n");
    expect(await cloud.store.getArtifacts(job.id, 0)).toMatchObject([{ name: "answer.json", state: "stored" }]);
  });

  test("runs a command beside the agent", async () => {
    const input = { command: "echo out; exit 3", shell: true };
    const job = await begin(() => {}, { taskType: "command.run", input });
    expect(await job.settled()).toMatchObject({
      status: "failed",
      result: { exitCode: 3, timedOut: false },
      error: { code: "task.exit_code" },
    });
    expect(await job.log()).toBe("out\n");
    expect(job.callsOf("InvokeAgentRuntimeCommand")).toBe(1);
    expect(job.callsOf("InvokeAgentRuntime")).toBe(0);
  });

  test("goes on when its execution does not wait for it any longer", async () => {
    const { agent, open } = streaming();
    const impatient = structuredClone(definition);
    impatient.States.SynchronousCall.TimeoutSeconds = 1;
    const job = await begin(agent, {}, { machine: impatient });
    const response = await open;
    await setTimeout(3000);
    response.end('data: "done"\n\n');
    expect(await job.settled()).toMatchObject({ status: "succeeded", result: "done" });
    expect(job.callsOf("InvokeAgentRuntime")).toBe(1);
  });

  test("is lost with the function that held its call, never sent again, and stopped when nothing can arrive", {
    timeout: 240_000,
  }, async () => {
    const { agent, open } = streaming();
    const mortal = await cloud.deploy(ENTRY, environment("SynchronousCall"));
    const limits = { ...makeTask().limits, timeoutSeconds: 90 };
    const another = functions.SynchronousCall as DeployedFunction;
    let isDead = false;
    // Another process takes the place of one that died.
    const replaced = { invoke: (event: unknown) => (isDead ? another : mortal).invoke(event) };
    const job = await begin(agent, { limits }, { deployed: { ...functions, SynchronousCall: replaced } });
    await open;
    await waitForTask(caller(), job.id, hasLog);
    isDead = true;
    await mortal.stop();
    // Its lease must lapse, and a minute pass in which nobody takes it up again.
    const { task } = await waitForTask(caller(), job.id, { timeoutSeconds: 180, until: () => false });
    expect(task).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(await job.log()).toBe('{"step":1}\n');
    await job.settled();
    expect(job.callsOf("InvokeAgentRuntime")).toBe(1);
    expect(job.callsOf("StopRuntimeSession")).toBeGreaterThan(1);
  });
});
