import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { NothingMadeError, OutcomeUnknownError, WorkerGoneError } from "../../../lib/contract/errors.ts";
import { jobTypeOf } from "../../../lib/contract/kinds.ts";
import type { Task } from "../../../lib/contract/task.ts";
import { CONTRACT } from "../../../lib/contract/worker.ts";
import { makeTask, type TaskFields, withFields } from "../../contract/make-task.ts";
import {
  ACCOUNT,
  credentials,
  Emulator,
  type Failure,
  IMAGE,
  REGION,
  ROLE,
} from "../../emulators/agentcore/emulator.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { hello, poll } from "../../fixtures/operations.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

let emulator: Emulator;
let shared: string;
useEmulatorCredentials();
beforeEach(async () => {
  emulator = await new Emulator().listen();
  shared = emulator.deploy("shared");
  return () => emulator[Symbol.asyncDispose]();
});

type Options = { now?: () => number; endpoint?: string; configuration?: object };
const openOptions = ({ now = Date.now, endpoint = emulator.endpoint, configuration = {} }: Options = {}) => ({
  endpoint,
  configuration: () => parseConfiguration(configuration),
  log: silent,
  now,
  holdSeconds: 3600,
});
const open = (options?: Options) => agentCoreBackend(openOptions(options));

const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
const runtimeTask = (overrides: TaskFields = {}): Task => {
  const task = makeTask({
    provider: "aws",
    backend: "aws-agentcore",
    target: { mode: "runtime", details },
    ...overrides,
  });
  const runtime = task.id.replace("task_", "ad_");
  return withFields(task, {
    obligations: { runtime },
    phases: { ...task.phases, provisioning: task.createdAt },
    ...overrides,
  });
};
const sessionTask = (more: object = {}, overrides: TaskFields = {}) =>
  makeTask({
    provider: "aws",
    backend: "aws-agentcore",
    accountProfile: "dev-aws",
    target: { mode: "session", details: { runtimeArn: shared, ...more } },
    ...overrides,
  });
const withRefs = async (backend: ReturnType<typeof open>, task: Task): Promise<Task> => ({
  ...task,
  ...(await backend.provision(task)),
});

describe("the frameworks of a runtime", () => {
  const offered = (runtimeArn: string | undefined, ownRuntimeArn: string | undefined, contract?: string) =>
    agentCoreBackend({ ...openOptions(), ownRuntimeArn }).frameworks({
      provider: "aws",
      accountProfile: "dev-aws",
      backend: "aws-agentcore",
      target: { mode: "session", details: { ...(runtimeArn && { runtimeArn }), ...(contract && { contract }) } },
    });

  it("are known of our own runtime, and of one that is said to have our worker", () => {
    expect(offered(shared, shared)).toContain("echo");
    expect(offered(shared, undefined, CONTRACT)).toContain("echo");
  });

  it("are told with how one more would come into the image", async () => {
    const backend = agentCoreBackend({ ...openOptions(), ownRuntimeArn: shared });
    const placement = {
      provider: "aws",
      accountProfile: "dev-aws",
      backend: "aws-agentcore",
      target: { mode: "session" as const, details: { runtimeArn: shared } },
    };
    expect(await backend.inspectFrameworks?.({ placement })).toEqual([
      { name: "strands", status: "ready", message: "in the worker's image" },
      { name: "echo", status: "ready", message: "in the worker's image" },
      {
        name: "claude-code",
        status: "not_installed",
        message: "the worker's image is built without it",
        hint: expect.stringContaining("cloud.workerImage.claudeCode"),
      },
    ]);
    expect(backend.frameworkInstall?.("claude-code")).toContain("cloud.workerImage.claudeCode");
    expect(backend.frameworkInstall?.("codex")).toBeUndefined();
    expect(await backend.inspectFrameworks?.({})).toEqual([]);
  });

  it("are not known of any other, nor where no runtime is named and none is ours", () => {
    expect(offered(shared, undefined)).toBeUndefined();
    expect(offered(undefined, shared)).toBeUndefined();
    expect(offered(undefined, undefined)).toBeUndefined();
  });
});

describe("a runtime of a task", () => {
  it("has a name that begins as those of its stack do, and is found and deleted by the name it was owed under", async () => {
    const backend = agentCoreBackend({ ...openOptions(), runtimePrefix: "ad_0a1b2c3d_" });
    const task = { ...runtimeTask(), obligations: {} };
    const name = backend.nameRuntime(task) ?? "";
    expect(name).toMatch(/^ad_0a1b2c3d_[0-9a-f]{32}$/);
    expect(name).toMatch(/^[a-zA-Z][a-zA-Z0-9_]{0,47}$/);
    const made = await withRefs(backend, { ...task, obligations: { runtime: name } });
    expect(emulator.runtimes.made[0]?.name).toBe(name);
    await expect.poll(() => backend.awaitReady(made), { timeout: 20_000 }).toMatchObject({ ready: true });
    const forgotten = { ...made, providerRefs: {} };
    await expect.poll(() => open().deleteRuntime(forgotten), { timeout: 20_000 }).toBe(true);
    expect(emulator.inventory.runtimes).toEqual([]);
  });

  it("is made with everything that its end and its owner need", async () => {
    const task = runtimeTask({ limits: { ...makeTask().limits, timeoutSeconds: 600 } });
    const environment = { AGENT_KEY: "v" };
    const configuration = {
      accounts: { "dev-aws": { provider: "aws" } },
      backends: { cloud: { adapter: "aws-agentcore", account: "dev-aws", details: { environment } } },
    };
    const backend = open({ configuration });
    const { providerRefs } = await backend.provision({ ...task, backendName: "cloud" });
    expect(backend.nameRuntime(task)).toBe(task.id.replace("task_", "ad_"));
    expect(emulator.runtimes.made[0]?.request).toEqual({
      agentRuntimeName: task.id.replace("task_", "ad_"),
      clientToken: createHash("sha256").update(task.id).digest("hex"),
      agentRuntimeArtifact: { containerConfiguration: { containerUri: IMAGE } },
      roleArn: ROLE,
      networkConfiguration: { networkMode: "PUBLIC" },
      protocolConfiguration: { serverProtocol: "HTTP" },
      lifecycleConfiguration: { idleRuntimeSessionTimeout: 900, maxLifetime: 2400 },
      environmentVariables: { ...environment, AGENTDISPATCH_WORKER_GIVEN_NAMES: "AGENT_KEY" },
      tags: {
        "agentdispatch:task": task.id,
        "agentdispatch:owner": createHash("sha256").update("local").digest("hex").slice(0, 32),
        "agentdispatch:contract": CONTRACT,
      },
      platformVersion: "V1",
    });
    expect(providerRefs).toMatchObject({ region: REGION, qualifier: "DEFAULT", serverProtocol: "HTTP" });
    expect(emulator.flaws).toEqual([]);
  });

  it.each([
    [1, { idleRuntimeSessionTimeout: 900, maxLifetime: 1801 }],
    [27_000, { idleRuntimeSessionTimeout: 900, maxLifetime: 28_800 }],
  ])("lives long enough for a job of %d s, and never over eight hours", async (timeoutSeconds, lifecycle) => {
    await open().provision(runtimeTask({ limits: { ...makeTask().limits, timeoutSeconds } }));
    expect(emulator.runtimes.made[0]?.request?.lifecycleConfiguration).toEqual(lifecycle);
  });

  it.each(["the same token", "a forgotten token"])("is made once, by %s", async (kind) => {
    const task = runtimeTask();
    const first = await open().provision(task);
    if (kind === "a forgotten token") emulator.runtimes.forgetTokens();
    expect(await open().provision(task)).toEqual(first);
    expect(emulator.runtimes.made).toHaveLength(1);
  });

  it("is found again among many by an attempt that comes late, and not made anew", async () => {
    for (let i = 0; i < 120; i++) emulator.deploy(`other_${i}`);
    const task = runtimeTask();
    const first = await open().provision(task);
    expect(await open({ now: () => Date.now() + 120_000 }).provision(task)).toEqual(first);
    expect(emulator.countOf("CreateAgentRuntime")).toBe(1);
  });

  it("is waited for, and then ready", async () => {
    emulator.runtimes.getsUntilReady = 2;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    expect(await backend.awaitReady(task)).toEqual({ ready: false, waitSeconds: 1 });
    expect(await backend.awaitReady(task)).toMatchObject({ ready: false });
    expect(await backend.awaitReady(task)).toEqual({ ready: true });
  });

  it("is ready when its endpoint is", async () => {
    Object.assign(emulator.runtimes, { getsUntilReady: 0, getsUntilEndpoint: 1, getsUntilEndpointReady: 1 });
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    const states = [await backend.awaitReady(task), await backend.awaitReady(task), await backend.awaitReady(task)];
    expect(states.map(({ ready }) => ready)).toEqual([false, false, true]);
    expect(emulator.calls.at(-1)).toMatchObject({
      operation: "GetAgentRuntimeEndpoint",
      body: { endpoint: "DEFAULT" },
    });
    expect(emulator.flaws).toEqual([]);
  });

  it("whose endpoint failed, or is not there after five minutes, never will be", async () => {
    Object.assign(emulator.runtimes, { getsUntilReady: 0, endpointFails: "no capacity" });
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    await expect(backend.awaitReady(task)).rejects.toMatchObject({
      code: "worker.start_failed",
      message: expect.stringContaining("no capacity"),
    });
    emulator.runtimes.getsUntilEndpoint = 100;
    const other = await withRefs(backend, runtimeTask());
    const later = (seconds: number) => open({ now: () => Date.parse(other.createdAt) + seconds * 1000 });
    expect(await later(299).awaitReady(other)).toMatchObject({ ready: false });
    await expect(later(301).awaitReady(other)).rejects.toMatchObject({ code: "worker.lost" });
  });

  it.each(["ResourceNotFoundException", "ValidationException"] as const)(
    "that answers %s at first is asked again, and when it is older it is refused",
    async (error) => {
      Object.assign(emulator.runtimes, { getsUntilReady: 0, earlyRefusals: [error] });
      const backend = open();
      const task = await withRefs(backend, runtimeTask());
      while (!(await backend.awaitReady(task)).ready);
      expect(await backend.invoke(task, hello, { timeoutMs: 20_000 })).toMatchObject({ contract: CONTRACT });
      expect(emulator.countOf("InvokeAgentRuntime")).toBe(2);
      emulator.fail("InvokeAgentRuntime", { error }, 100);
      await expect(backend.invoke(task, poll, { timeoutMs: 500 })).rejects.toMatchObject({
        code: "platform.not_ready",
        retryable: true,
      });
      const old = open({ now: () => Date.now() + 301_000 }).invoke(task, poll, { timeoutMs: 500 });
      await expect(old).rejects.not.toMatchObject({ code: "platform.not_ready" });
    },
  );

  it("is invoked at its own endpoint, whatever the backend names for sessions", async () => {
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const target = { mode: "runtime" as const, details: { ...details, qualifier: "prod" } };
    const task = await withRefs(backend, runtimeTask({ target }));
    while (!(await backend.awaitReady(task)).ready);
    expect(await backend.invoke(task, hello, { timeoutMs: 10_000 })).toMatchObject({ contract: CONTRACT });
  });

  it("that failed is refused with AgentCore's reason, and can be deleted", async () => {
    emulator.runtimes.createFails = "the image is for amd64";
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    await expect(backend.awaitReady(task)).rejects.toMatchObject({
      code: "worker.start_failed",
      retryable: false,
      message: expect.stringContaining("the image is for amd64"),
    });
    expect(await backend.deleteRuntime(task)).toBe(true);
  });

  it("is deleted once it has settled, and reported gone only when it is", async () => {
    emulator.runtimes.getsUntilReady = 2;
    emulator.runtimes.getsUntilGone = 2;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    const answers: boolean[] = [];
    while (!answers.at(-1)) answers.push(await backend.deleteRuntime(task));
    expect(answers.length).toBeGreaterThan(3);
    expect(emulator.inventory.runtimes).toEqual([]);
    expect(await backend.deleteRuntime(task)).toBe(true);
  });

  it("is deleted although reads do not find it yet, as those of a new runtime may", async () => {
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    await backend.awaitReady(task);
    emulator.fail("GetAgentRuntime", { error: "ResourceNotFoundException" }, 2);
    expect(await backend.deleteRuntime(task)).toBe(true);
    await expect.poll(() => backend.deleteRuntime(task), { timeout: 20_000 }).toBe(true);
    expect(emulator.inventory.runtimes).toEqual([]);
  });

  it("is waited for when another change is under way", async () => {
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    emulator.fail("DeleteAgentRuntime", { error: "ConflictException" }, 1);
    expect(await backend.deleteRuntime(task)).toBe(false);
    expect(await backend.deleteRuntime(task)).toBe(true);
  });

  it("whose ARN nobody noted is found by its name and deleted", async () => {
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const task = runtimeTask();
    await backend.provision(task);
    expect(await backend.deleteRuntime(task)).toBe(true);
    expect(emulator.inventory.runtimes).toEqual([]);
  });

  it("is gone when reading it is denied and the account does not list it any more", async () => {
    emulator.runtimes.getsUntilReady = 0;
    const backend = open();
    const task = await withRefs(backend, runtimeTask());
    emulator.fail("GetAgentRuntime", { error: "AccessDeniedException" });
    await expect(backend.deleteRuntime(task)).rejects.toMatchObject({ code: "platform.access_denied" });
    emulator.runtimes.vanish(task.providerRefs.runtimeArn ?? "");
    emulator.fail("GetAgentRuntime", { error: "AccessDeniedException" });
    emulator.fail("ListAgentRuntimes", { error: "AccessDeniedException" });
    await expect(backend.deleteRuntime(task)).rejects.toMatchObject({ code: "platform.access_denied" });
    emulator.fail("GetAgentRuntime", { error: "AccessDeniedException" });
    expect(await backend.deleteRuntime(task)).toBe(true);
  });

  it("that cannot be found stays owed for half an hour; none is where AWS refused to make it", async () => {
    const task = runtimeTask();
    const later = (minutes: number) => open({ now: () => Date.parse(task.createdAt) + minutes * 60_000 });
    expect(await later(29).deleteRuntime(task)).toBe(false);
    expect(await later(31).deleteRuntime(task)).toBe(true);
    emulator.fail("CreateAgentRuntime", { error: "ServiceQuotaExceededException" });
    const refused = await open()
      .provision(task)
      .catch((error) => error);
    expect(refused).toBeInstanceOf(NothingMadeError);
    expect(refused.problem).toMatchObject({
      code: "platform.quota_exceeded",
      retryable: true,
      details: { quota: "Total agents per account" },
    });
  });
});

describe("a session", () => {
  it("is known before it exists, and long enough for AgentCore", () => {
    const task = sessionTask();
    const id = open().nameSession(task);
    expect(id).toMatch(/^ad-[0-9a-f]{32}$/);
    expect(open().nameSession(task)).toBe(id);
    expect(open().nameRuntime(task)).toBeUndefined();
  });

  it("starts with the first invocation, ends with its stop, and comes back as another machine", async () => {
    const backend = open();
    const task = sessionTask();
    const first = await backend.invoke(task, hello, { timeoutMs: 10_000 });
    expect(await backend.invoke(task, hello, { timeoutMs: 10_000 })).toEqual(first);
    await backend.stop(task);
    expect(emulator.inventory.sessions).toEqual([]);
    await backend.stop(task);
    expect(await backend.invoke(task, hello, { timeoutMs: 10_000 })).not.toEqual(first);
    expect(emulator.machines.booted).toBe(2);
  });

  it("is stopped through conflicts", async () => {
    const backend = open();
    const task = sessionTask();
    await backend.invoke(task, hello, { timeoutMs: 10_000 });
    emulator.fail("StopRuntimeSession", { error: "RetryableConflictException" }, 2);
    await backend.stop(task);
    expect(emulator.inventory.sessions).toEqual([]);
  });

  it("is refused on a runtime that was made for one task, and on what is no runtime", async () => {
    for (const stack of ["", "0a1b2c3d_"]) {
      const arn = emulator.deploy(`ad_${stack}${"0".repeat(32)}`);
      await expect(open().provision(sessionTask({ runtimeArn: arn }))).rejects.toMatchObject({ code: "policy.denied" });
    }
    await expect(open().provision(sessionTask({ runtimeArn: "arn:aws:s3:::x" }))).rejects.toMatchObject({
      code: "task.target_incomplete",
    });
    await expect(open().provision(sessionTask({ runtimeArn: " " }))).rejects.toMatchObject({
      code: "task.target_incomplete",
    });
  });
});

describe("whether a runtime knows the worker contract", () => {
  const knownOf = async (task: Task, backend = open()) => (await backend.provision(task)).providerRefs;
  const strange = () => emulator.deploy("strange", { serverProtocol: "A2A", contractLess: () => {} });

  it("is said by its tag, which is read once", async () => {
    const backend = open();
    const task = sessionTask();
    const { providerRefs, channel } = await backend.provision(task);
    expect(channel).toBe("call");
    expect(providerRefs).toMatchObject({ contract: CONTRACT, serverProtocol: "HTTP" });
    expect(await knownOf({ ...task, providerRefs }, backend)).toMatchObject({ serverProtocol: "HTTP" });
    expect(emulator.countOf("ListTagsForResource")).toBe(1);
    expect(await backend.provision(sessionTask({ runtimeArn: strange() }))).toMatchObject({
      channel: "synchronous",
      providerRefs: { contract: "none", protocol: "a2a", serverProtocol: "A2A" },
    });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(0);
    expect(emulator.flaws).toEqual([]);
  });

  it("is said by the configuration, and then nobody reads a tag", async () => {
    const runtimeArn = strange();
    expect(await knownOf(sessionTask({ runtimeArn, contract: CONTRACT }))).toMatchObject({ contract: CONTRACT });
    const said = { runtimeArn: shared, contract: "none", serverProtocol: "MCP" };
    expect(await knownOf(sessionTask(said))).toMatchObject({ contract: "none", serverProtocol: "MCP" });
    expect(emulator.calls).toEqual([]);
    await expect(knownOf(sessionTask({ contract: "maybe" }))).rejects.toMatchObject({ code: "task.target_incomplete" });
  });

  it("is refused where nobody may know, with what to allow or to say", async () => {
    emulator.fail("ListTagsForResource", { error: "AccessDeniedException" });
    await expect(knownOf(sessionTask())).rejects.toMatchObject({
      code: "platform.access_denied",
      hint: expect.stringMatching(/bedrock-agentcore:ListTagsForResource.*or set target\.details\.contract/),
    });
    emulator.fail("GetAgentRuntime", { error: "AccessDeniedException" });
    const target = { mode: "session" as const, protocol: "ag-ui" as const, details: { runtimeArn: strange() } };
    expect(await knownOf({ ...sessionTask(), target })).toMatchObject({ contract: "none", serverProtocol: "AGUI" });
  });

  it("does not matter for one that another task owns, by its tag or its name", async () => {
    const tags = { "agentdispatch:task": "task_1", "agentdispatch:contract": CONTRACT };
    const runtimeArn = emulator.deploy("renamed", { tags });
    await expect(knownOf(sessionTask({ runtimeArn }))).rejects.toMatchObject({ code: "policy.denied" });
  });
});

describe("an invocation that fails", () => {
  const cases: [Failure, string, boolean][] = [
    [{ error: "ValidationException", message: "MMDSv2 is required" }, "platform.invalid_request", false],
    [{ error: "AccessDeniedException", message: "not authorized" }, "platform.access_denied", false],
    [{ error: "ServiceQuotaExceededException", message: "maxVms limit exceeded" }, "platform.quota_exceeded", true],
    [{ error: "RuntimeClientError", message: "container" }, "worker.unavailable", true],
    [{ error: "ResourceNotFoundException" }, "worker.gone", true],
    [{ error: "InternalServerException" }, "worker.outcome_unknown", true],
    [{ lose: "answer" }, "worker.outcome_unknown", true],
    [{ lose: "half" }, "worker.outcome_unknown", true],
  ];
  it.each(cases)("with %j is %s, and was sent once", async (failure, code, retryable) => {
    emulator.fail("InvokeAgentRuntime", failure);
    const failed = open().invoke(sessionTask(), poll, { timeoutMs: 10_000 });
    await expect(failed).rejects.toMatchObject({ code, retryable });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
    if (code === "worker.gone") await expect(failed).rejects.toBeInstanceOf(WorkerGoneError);
    if (code === "worker.outcome_unknown") await expect(failed).rejects.toBeInstanceOf(OutcomeUnknownError);
  });

  it("names what to do: the missing action, the log group, the metadata service", async () => {
    const hintOf = async (failure: Failure) => {
      emulator.fail("InvokeAgentRuntime", failure);
      return open()
        .invoke(sessionTask(), poll, { timeoutMs: 10_000 })
        .catch((error) => error.hint);
    };
    const id = shared.split("/")[1];
    expect(await hintOf({ error: "AccessDeniedException" })).toContain("bedrock-agentcore:InvokeAgentRuntime");
    expect(await hintOf({ error: "RuntimeClientError" })).toContain(`/aws/bedrock-agentcore/runtimes/${id}-DEFAULT`);
    expect(await hintOf({ error: "ValidationException", message: "MMDSv2" })).toContain("requireMMDSV2");
  });

  it.each(["ThrottlingException", "RetryableConflictException"] as const)(
    "with %s never reached the worker, and is sent again",
    async (error) => {
      emulator.fail("InvokeAgentRuntime", { error }, 2);
      expect(await open().invoke(sessionTask(), hello, { timeoutMs: 10_000 })).toMatchObject({ contract: CONTRACT });
      expect(emulator.countOf("InvokeAgentRuntime")).toBe(3);
    },
  );

  it("with lasting throttling says so once its time is over", async () => {
    emulator.fail("InvokeAgentRuntime", { error: "ThrottlingException" }, 100);
    await expect(open().invoke(sessionTask(), poll, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "platform.throttled",
    });
  });

  it("with a late answer has an unknown outcome, after its own time", async () => {
    emulator.fail("InvokeAgentRuntime", { lateMs: 5000 });
    const startedAt = performance.now();
    await expect(open().invoke(sessionTask(), hello, { timeoutMs: 1500 })).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  it("before anything was sent is not an unknown outcome", async () => {
    await expect(
      open({ endpoint: "http://127.0.0.1:1" }).invoke(sessionTask(), poll, { timeoutMs: 5000 }),
    ).rejects.toMatchObject({ code: "platform.unreachable", retryable: true });
  });

  it("because there is no such runtime is no proof that a worker is gone when it greets", async () => {
    const runtimeArn = shared.replace(/.{10}$/, "0123456789");
    await expect(open().invoke(sessionTask({ runtimeArn }), hello, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: "platform.runtime_not_found",
    });
  });
});

describe("a runtime without the worker contract", () => {
  const none = { contract: "none" };
  const OWN = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/shared-AbCdEf1234";

  it.each([
    [{ env: { A: "b" } }, "environment"],
    [{ taskType: "command.run" as const, input: { command: "true", timeoutSeconds: 3601 } }, "3600 s"],
    [{ taskType: "command.run" as const, input: { command: "x".repeat(65_530) } }, "65536"],
  ])("is not given %j", async (overrides, text) => {
    const task = sessionTask(none, { taskType: "agent.run", input: { instruction: "x" } });
    await expect(open().provision({ ...task, ...overrides })).rejects.toMatchObject({
      code: "adapter.unsupported",
      message: expect.stringContaining(text),
    });
  });

  it("is not given a command that lasts longer than its call can be held", async () => {
    const task = sessionTask(none, { taskType: "command.run", input: { command: "true", timeoutSeconds: 841 } });
    const backend = agentCoreBackend({ ...openOptions(), holdSeconds: 840 });
    await expect(backend.provision(task)).rejects.toMatchObject({ message: expect.stringContaining("840 s") });
    const placement = { ...task, target: task.target };
    expect(await backend.check(placement, false)).toContainEqual(
      expect.objectContaining({ name: "contract", status: "pass", message: expect.stringContaining("840 s") }),
    );
  });

  it("ends a command before its call has to end, and says why", async () => {
    const task = sessionTask(none, { taskType: "command.run", input: { command: "sleep 30" } });
    const backend = agentCoreBackend({ ...openOptions(), holdSeconds: 6 });
    const job = {
      taskId: task.id,
      taskType: jobTypeOf(task.taskType),
      input: task.input,
      limits: task.limits,
      depth: 0,
    };
    const call = { signal: new AbortController().signal, log() {}, ask: async () => undefined };
    expect(await backend.synchronous?.call(task, job, call)).toMatchObject({
      result: { timedOut: true },
      error: { code: "task.timeout", hint: expect.stringContaining("1 s") },
    });
  });

  it("is sent nothing but its call", async () => {
    const task = sessionTask(none, { channel: "synchronous" });
    for (const operation of [hello, poll])
      await expect(open().invoke(task, operation, { timeoutMs: 5000 })).rejects.toMatchObject({
        code: "adapter.unsupported",
      });
    expect(emulator.calls).toEqual([]);
  });

  it.each([
    ["the configuration says so", none, "synchronous"],
    ["the configuration says that it has it", { contract: CONTRACT }, "call"],
    ["nobody has said", {}, undefined],
    ["it is the stack's", { runtimeArn: OWN }, "call"],
  ] as const)("is told before it is asked where %s", (_, details, channel) => {
    const backend = agentCoreBackend({ ...openOptions(), ownRuntimeArn: OWN });
    expect(backend.channel(sessionTask({ ...details }))).toBe(channel);
    expect(backend.channel(runtimeTask())).toBe("call");
  });

  it.each([
    [{ error: "ResourceNotFoundException" }, "platform.runtime_not_found"],
    [{ error: "RuntimeClientError" }, "worker.failed"],
    [{ error: "InternalServerException" }, "worker.lost"],
  ] as [Failure, string][])("that fails with %j ends its job as %s, and is called once", async (failure, code) => {
    emulator.fail("InvokeAgentRuntime", failure);
    const backend = open();
    const task = sessionTask(none, { taskType: "agent.run", input: { instruction: "x" } });
    const job = {
      taskId: task.id,
      taskType: jobTypeOf(task.taskType),
      input: task.input,
      limits: task.limits,
      depth: 0,
    };
    const call = { signal: new AbortController().signal, log() {}, ask: async () => undefined };
    const mayHaveRun = code.startsWith("worker.");
    await expect(backend.synchronous?.call(task, job, call)).rejects.toMatchObject({
      code,
      retryable: !mayHaveRun,
      hint: expect.stringContaining(mayHaveRun ? "may have run" : "check"),
    });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
  });
});

describe("the emulator", () => {
  it("refuses a wrong signature", async () => {
    process.env.AWS_SECRET_ACCESS_KEY = "another";
    await expect(open().provision(runtimeTask())).rejects.toMatchObject({ code: "platform.access_denied" });
    process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
    await open().provision(runtimeTask());
  });

  it.each([
    ["an image elsewhere", { ...details, ecrImageUri: "docker.io/library/x" }],
    ["what is no role", { ...details, executionRoleArn: "me" }],
  ])("refuses %s, as the service does", async (_what, wrong) => {
    const task = runtimeTask({ target: { mode: "runtime", details: wrong } });
    await expect(open().provision(task)).rejects.toMatchObject({ code: "platform.invalid_request", retryable: false });
    expect(emulator.flaws).toHaveLength(1);
  });
});

describe("how to talk to the agent directly", () => {
  const url = (arn: string, host = `bedrock-agentcore.${REGION}.amazonaws.com`) =>
    `https://${host}/runtimes/${encodeURIComponent(arn)}/invocations/`;

  it("is exactly what clients know", () => {
    const task = sessionTask(
      { qualifier: "PROD" },
      { input: { instruction: "x", framework: "strands", model: "small", runtime_tools: { enabled: ["search"] } } },
    );
    const target = { ...task.target, protocol: "a2a" as const };
    const sessionId = open().nameSession(task);
    const header = {
      sessionHeaderName: "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id",
      sessionHeaderValue: sessionId,
    };
    expect(open().cloudAgent({ ...task, target })).toEqual({
      protocol: "a2a",
      provider: "aws",
      backend: "aws-agentcore",
      accountProfile: "dev-aws",
      sessionId,
      framework: "strands",
      model: "small",
      tools: { enabled: ["search"] },
      providerRefs: {
        region: REGION,
        runtimeArn: shared,
        runtimeSessionId: sessionId,
        qualifier: "PROD",
        protocol: "a2a",
        serverProtocol: "A2A",
        runtimeUrl: url(shared),
      },
      invocation: {
        type: "aws.agentcore.invoke_agent_runtime",
        runtimeUrl: url(shared),
        agentRuntimeArn: shared,
        qualifier: "PROD",
        runtimeSessionId: sessionId,
        ...header,
        contentType: "application/json",
        accept: "application/json, text/event-stream",
        payloadFormat: "a2a.jsonrpc.message-send",
      },
      a2a: {
        transport: "json-rpc-2.0-http",
        messageMethod: "message/send",
        agentCardPath: "/.well-known/agent-card.json",
        agentCardOperation: "GetAgentCard",
        payloadFormat: "a2a.jsonrpc.message-send",
        endpointUrl: url(shared),
        agentCardUrl: `${url(shared)}.well-known/agent-card.json`,
        ...header,
      },
    });
  });

  it.each([
    ["http", "HTTP", "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"],
    ["mcp", "MCP", "Mcp-Session-Id"],
    ["ag-ui", "AGUI", "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"],
  ] as const)("for %s names %s and the header %s", (protocol, serverProtocol, sessionHeaderName) => {
    const task = sessionTask();
    expect(open().cloudAgent({ ...task, target: { ...task.target, protocol } })).toMatchObject({
      protocol,
      providerRefs: { serverProtocol },
      invocation: { sessionHeaderName, payloadFormat: "agentdispatch.runtime-envelope" },
    });
  });

  it.each([
    ["aws-cn", "cn-north-1", "bedrock-agentcore.cn-north-1.amazonaws.com.cn"],
    ["aws-us-gov", "us-gov-west-1", "bedrock-agentcore.us-gov-west-1.amazonaws.com"],
  ])("has the address of partition %s", (partition, region, host) => {
    const runtimeArn = `arn:${partition}:bedrock-agentcore:${region}:${ACCOUNT}:runtime/agent-AbCdEf1234`;
    expect(open().cloudAgent(sessionTask({ runtimeArn }))).toMatchObject({
      invocation: { runtimeUrl: url(runtimeArn, host) },
    });
  });

  it("is not known in mode runtime before the runtime is", async () => {
    const task = runtimeTask();
    expect(open().cloudAgent(task)).toBeUndefined();
    const backend = open();
    expect(backend.cloudAgent(await withRefs(backend, task))).toMatchObject({ protocol: "http" });
  });
});
