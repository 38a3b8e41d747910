import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import type { Problem } from "../../../lib/contract/errors.ts";
import { OutcomeUnknownError } from "../../../lib/contract/errors.ts";
import { jobTypeOf } from "../../../lib/contract/kinds.ts";
import type { Task } from "../../../lib/contract/task.ts";
import { makeTask } from "../../contract/make-task.ts";
import { type Account, startAccount } from "../../emulators/agentcore/account.ts";
import { type Failure, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { configurationWith, onAgentCore, startLaptop } from "../../emulators/agentcore/system.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { hello, poll } from "../../fixtures/operations.ts";
import { temporaryFolder } from "../../system/system.ts";

const before = { ...process.env };
let account: Account;
let warnings: string[];
beforeEach(async () => {
  account = await startAccount();
  warnings = [];
  Object.assign(process.env, account.env);
});
afterEach(async () => {
  process.env = { ...before };
  await account.close();
});

const open = (environment?: Record<string, string>) =>
  agentCoreBackend({
    configuration: () =>
      parseConfiguration({
        accounts: { dev: { provider: "aws", region: REGION } },
        backends: {
          cloud: { adapter: "aws-agentcore", account: "dev", details: { ...(environment && { environment }) } },
        },
      }),
    log: {
      debug() {},
      info() {},
      error() {},
      warn: (message, fields) => warnings.push(JSON.stringify({ message, fields })),
    },
    now: Date.now,
    holdSeconds: 3600,
  });
const onAws = (target: Task["target"], overrides: Partial<Task> = {}) =>
  makeTask({
    provider: "aws",
    backend: "aws-agentcore",
    backendName: "cloud",
    accountProfile: "dev",
    target,
    ...overrides,
  });

/** A task with a runtime of its own that is ready, and the name of its log group. */
async function made(overrides: Partial<Task> = {}) {
  const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
  const task = onAws({ mode: "runtime", details }, overrides);
  const backend = open();
  const withRuntime = { ...task, obligations: { runtime: backend.nameRuntime(task) ?? "" } };
  const ready = { ...withRuntime, ...(await backend.provision(withRuntime)) };
  while (!(await backend.awaitReady(ready)).ready);
  const group = `/aws/bedrock-agentcore/runtimes/${ready.providerRefs.runtimeArn?.split("/")[1]}-DEFAULT`;
  return { backend, task: ready, group, session: backend.nameSession(ready) };
}
const onShared = (overrides: Partial<Task> = {}, details: object = {}) => {
  const runtimeArn = account.emulator.deploy("shared");
  const task = onAws({ mode: "session", details: { runtimeArn, qualifier: "PROD", ...details } }, overrides);
  const group = `/aws/bedrock-agentcore/runtimes/${runtimeArn.split("/")[1]}-PROD`;
  return { backend: open(), task, group };
};
const today = () => new Date().toISOString().slice(0, 10).replaceAll("-", "/");
const streamOf = (session: string) => `${today()}/[runtime-logs-${session}]0f0f`;

/** Why the worker does not answer; the container fails, unless something else goes wrong. */
async function failure({ backend, task }: { backend: ReturnType<typeof open>; task: Task }, instead?: Failure) {
  account.emulator.fail("InvokeAgentRuntime", instead ?? { error: "RuntimeClientError", message: "exit 1" });
  const error = await backend.invoke(task, hello, { timeoutMs: 5000 }).then(
    () => new Error("it answered"),
    (error: Error & { problem: Problem }) => error,
  );
  return { error, problem: (error as { problem: Problem }).problem };
}

describe("the log group of a runtime made for a task", () => {
  it("is deleted with the runtime, and once it is gone", async () => {
    account.emulator.runtimes.getsUntilGone = 2;
    const { backend, task, group } = await made();
    account.logs.print(group, streamOf("x"), "hello");
    expect(await backend.deleteRuntime(task)).toBe(false);
    expect(account.logs.faults.seen).toEqual([]);
    while (!(await backend.deleteRuntime(task)));
    expect([...account.logs.groups.keys()]).toEqual([]);
    expect(await backend.deleteRuntime(task)).toBe(true);
    expect(warnings).toEqual([]);
  });

  it.each([
    ["denied", { status: 400, code: "AccessDeniedException" }],
    ["throttled", { status: 400, code: "ThrottlingException" }],
    ["cut off", { cut: "before" }],
  ] as const)("keeps no task open when its deletion is %s, and is named in a warning", async (_what, fault) => {
    const { backend, task, group } = await made();
    account.logs.print(group, streamOf("x"), "hello");
    account.logs.faults.add(fault, { times: 10 });
    while (!(await backend.deleteRuntime(task)));
    expect(warnings).toEqual([expect.stringContaining(group)]);
  });

  it("is not waited for", async () => {
    const { backend, task } = await made();
    account.logs.hang.add("DeleteLogGroup");
    const startedAt = performance.now();
    while (!(await backend.deleteRuntime(task)));
    expect(performance.now() - startedAt).toBeLessThan(6000);
    expect(warnings).toHaveLength(1);
  });
});

describe("the error of a container that does not start", () => {
  it("has its last twenty lines, without colours", async () => {
    const started = await made();
    account.logs.print(started.group, "otel-rt-logs", '{"not":"printed"}');
    account.logs.print(started.group, streamOf("somebody-else"), "not of this session");
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\n`);
    account.logs.print(started.group, streamOf(started.session), ...lines, "\u001b[31mError: no module\u001b[0m\r\n");
    const { problem } = await failure(started);
    expect(problem).toMatchObject({
      code: "worker.unavailable",
      retryable: true,
      message: expect.stringMatching(/exit 1; it printed last: Error: no module$/),
      hint: expect.stringContaining("details.lastLogLines"),
      details: { logGroup: started.group },
    });
    const read = problem.details?.lastLogLines as string[];
    expect(read).toHaveLength(20);
    expect([read[0], read[19]]).toEqual(["line 11", "Error: no module"]);
  });

  it("waits a moment for them", async () => {
    const started = await made();
    setTimeout(() => account.logs.print(started.group, streamOf(started.session), "late"), 1200);
    expect((await failure(started)).problem.details).toMatchObject({ lastLogLines: ["late"] });
  });

  it("never has what it was given as environment", async () => {
    const started = await made({ env: { FROM_CALL: "call-secret", SHORT: "on" } });
    const backend = open({ KEY: "top-secret\nsecond-line", KEY_AND_MORE: "top-secret-and-more" });
    account.logs.print(
      started.group,
      streamOf(started.session),
      "KEY=top-secret turned on",
      "second-line top-secret-and-more call-secret",
    );
    expect((await failure({ ...started, backend })).problem.details).toMatchObject({
      lastLogLines: ["KEY=[KEY] turned on", "[KEY] [KEY_AND_MORE] [FROM_CALL]"],
    });
  });

  it("fits wherever an error may go", async () => {
    const started = await made();
    account.logs.print(
      started.group,
      streamOf(started.session),
      ...Array.from({ length: 5 }, (_, i) => `${i}`.repeat(1500)),
    );
    const { problem } = await failure(started);
    expect(problem.details?.lastLogLines).toHaveLength(2);
    account.logs.print(started.group, streamOf(started.session), `beginning ${'"'.repeat(9000)}`);
    const long = (await failure(started)).problem;
    expect(long.details?.lastLogLines).toEqual([expect.stringMatching(/^beginning "/)]);
    expect(Buffer.byteLength(JSON.stringify(long))).toBeLessThan(6000);
  });

  it.each([
    ["there is none", undefined],
    ["reading them is denied", { status: 400, code: "AccessDeniedException" }],
  ])("says what it would without them when %s", async (_what, fault) => {
    const started = await made();
    if (fault) account.logs.faults.add(fault, { times: 9 });
    const startedAt = performance.now();
    const { problem } = await failure(started);
    expect(problem).toMatchObject({ code: "worker.unavailable", message: expect.stringMatching(/exit 1$/) });
    expect(problem.hint).toContain("logs:FilterLogEvents");
    expect(problem.details).not.toHaveProperty("lastLogLines");
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  it("is still of its class: an answer that was lost may yet have arrived", async () => {
    const started = await made();
    account.logs.print(started.group, streamOf(started.session), "listening");
    const { error, problem } = await failure(started, { lose: "answer" });
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(problem.details).toMatchObject({ lastLogLines: ["listening"] });
  });

  it("has the lines of a runtime that was never made", async () => {
    account.emulator.runtimes.createFails = "health check failed";
    account.emulator.runtimes.getsUntilReady = 0;
    const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
    const backend = open();
    const task = onAws({ mode: "runtime", details });
    const provisioned = { ...task, ...(await backend.provision(task)) };
    const id = provisioned.providerRefs.runtimeArn?.split("/")[1];
    account.logs.print(`/aws/bedrock-agentcore/runtimes/${id}-DEFAULT`, streamOf("x"), "cannot bind 8080");
    await expect(backend.awaitReady(provisioned)).rejects.toMatchObject({
      code: "worker.start_failed",
      details: { lastLogLines: ["cannot bind 8080"], runtimeArn: provisioned.providerRefs.runtimeArn },
    });
  });
});

describe("on a runtime that others use too", () => {
  it("only what the session itself printed is read", async () => {
    const started = onShared();
    account.logs.print(started.group, streamOf("somebody-else"), "their secret");
    account.logs.print(started.group, `${today()}/[runtime-logs]0f0f`, "nobody knows whose");
    account.logs.print(started.group, streamOf(started.backend.nameSession(started.task)), "mine");
    const { problem } = await failure(started);
    expect(problem.details).toMatchObject({ lastLogLines: ["mine"] });
    expect(problem.hint).toContain(started.group);
  });

  it("nothing is read once the worker has answered", async () => {
    const { backend, task } = onShared();
    account.emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError" });
    await expect(backend.invoke(task, poll, { timeoutMs: 5000 })).rejects.toMatchObject({ code: "worker.unavailable" });
    expect(account.logs.faults.seen).toEqual([]);
  });

  it("an agent that knows no contract and fails says so in its own words", async () => {
    const { backend, task, group } = onShared(
      { taskType: "agent.run", input: { instruction: "x" } },
      { contract: "none" },
    );
    account.logs.print(group, streamOf(backend.nameSession(task)), "Traceback: no such tool");
    account.emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError" });
    const job = {
      taskId: task.id,
      taskType: jobTypeOf(task.taskType),
      input: task.input,
      limits: task.limits,
      depth: 0,
    };
    const call = { signal: new AbortController().signal, log() {}, ask: async () => undefined };
    await expect(backend.synchronous?.call(task, job, call)).rejects.toMatchObject({
      details: { lastLogLines: ["Traceback: no such tool"] },
    });
  });
});

describe("a task on the whole system", () => {
  it("whose container does not start says what that printed, and leaves no log behind", async () => {
    const { emulator, logs, env } = account;
    const { client } = await startLaptop(emulator, configurationWith(), temporaryFolder(), env);
    const id = await client.command("true", onAgentCore("runtime"));
    emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError", message: "exit 1" }, 100, () => {
      const group = `/aws/bedrock-agentcore/runtimes/${emulator.runtimes.made[0]?.id}-DEFAULT`;
      const stream = streamOf(id.replace("task_", "ad-"));
      if (!logs.groups.has(group)) logs.print(group, stream, "node: bad option: --frobnicate");
      return true;
    });
    expect(await client.ended(id)).toMatchObject({
      status: "failed",
      error: { code: "worker.unavailable", details: { lastLogLines: ["node: bad option: --frobnicate"] } },
    });
    await expect.poll(() => emulator.inventory, { timeout: 20_000 }).toEqual({ runtimes: [], sessions: [] });
    await expect.poll(() => [...logs.groups.keys()], { timeout: 20_000 }).toEqual([]);
  });
});
