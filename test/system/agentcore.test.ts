/** The whole system on this machine as a control plane for AgentCore, which an emulator plays with real workers. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { type Emulator, IMAGE } from "../emulators/agentcore/emulator.ts";
import {
  configurationWith,
  onAgentCore,
  startEmulator,
  startLaptop as startOn,
} from "../emulators/agentcore/system.ts";
import { startAgent } from "../emulators/agents/start-agent.ts";
import { documentedConfiguration } from "../fixtures/documented-configuration.ts";
import { type AtEnd, problemOf } from "../mcp/clients.ts";
import { temporaryFolder } from "./system.ts";

const startLaptop = (atEnd: AtEnd, emulator: Emulator, configuration: Json, folder = temporaryFolder(atEnd)) =>
  startOn(emulator, configuration, folder, {}, atEnd);
/** Without what AgentCore adds to a name. */
const HALF = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime";
const settles = { timeout: 40_000 };
const nothing = { runtimes: [], sessions: [] };
const sessionOf = (record: Json) => (record.providerRefs as { runtimeSessionId: string }).runtimeSessionId;
const hasLog = ({ logLength }: Json) => (logLength as number) > 0;

describe.concurrent.each(["runtime", "session"] as const)("a command in mode %s", (mode) => {
  it("runs to its result, with logs and files, and leaves nothing behind", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const arn = emulator.deploy("shared");
    const { client } = await startLaptop(atEnd, emulator, configurationWith(arn));
    const script = 'echo out; echo err >&2; echo kept > "$AGENTDISPATCH_ARTIFACTS_DIR/one.txt"';
    const id = await client.command({ command: script, shell: true }, onAgentCore(mode));
    const record = await client.ended(id);
    expect(record).toMatchObject({ status: "succeeded", backend: "aws-agentcore", result: { exitCode: 0 } });
    expect((await client.log(id)).split("\n").sort()).toEqual(["", "err", "out"]);
    const { artifacts } = (await client.must("get_task_result", { task_id: id })) as { artifacts: Json[] };
    expect(readFileSync(new URL(artifacts[0]?.uri as string), "utf8")).toBe("kept\n");
    const types = (await client.events(id)).map(({ type }) => type);
    expect(types.includes("runtime.provisioned")).toBe(mode === "runtime");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
    expect(emulator.countOf("CreateAgentRuntime")).toBe(mode === "runtime" ? 1 : 0);
    expect(emulator.machines.booted).toBe(1);
    expect(emulator.machines.seconds).toBeGreaterThan(0);
    expect(emulator.flaws).toEqual([]);
  });

  it("that is cancelled ends as cancelled, and leaves nothing behind", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const { client } = await startLaptop(atEnd, emulator, configurationWith(emulator.deploy("shared")));
    const id = await client.command({ command: "echo begun; sleep 600", shell: true }, onAgentCore(mode));
    await client.until(id, hasLog);
    expect(await client.must("cancel_task", { task_id: id })).toMatchObject({ status: "cancelling" });
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    expect(await client.log(id)).toBe("begun\n");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it("whose machine was replaced fails as worker.replaced, and runs once", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const { client } = await startLaptop(atEnd, emulator, configurationWith(emulator.deploy("shared")));
    const id = await client.command({ command: "echo begun; sleep 600", shell: true }, onAgentCore(mode));
    const record = await client.until(id, hasLog);
    await emulator.replaceMachine(sessionOf(record));
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.replaced" } });
    expect(await client.log(id)).toBe("begun\n");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });
});

describe.concurrent("a slot", () => {
  it("is free as soon as the session is stopped, long before the runtime is gone", { timeout: 120_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    emulator.runtimes.getsUntilGone = Number.POSITIVE_INFINITY;
    const configuration = { ...configurationWith(), defaults: { limits: { maxRunning: 1 } } };
    const { client } = await startLaptop(atEnd, emulator, configuration);
    const first = await client.command("true", onAgentCore("runtime"));
    const second = await client.command("true", onAgentCore("runtime"));
    expect(await client.status(second)).toMatchObject({ status: "queued", queuePosition: 1 });
    for (const id of [first, second]) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(emulator.inventory.runtimes).toHaveLength(2);
    // Each visit that finds the runtime still there would be another chance to stop the session once more.
    await expect.poll(() => emulator.countOf("GetAgentRuntime"), settles).toBeGreaterThan(6);
    for (const session of new Set(emulator.calls.flatMap((call) => call.session ?? []))) {
      const stops = emulator.calls.filter(
        (call) => call.operation === "StopRuntimeSession" && call.session === session,
      );
      expect(stops.length).toBeLessThanOrEqual(2);
    }
    for (const { arn } of emulator.runtimes.made) emulator.runtimes.vanish(arn);
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });
});

describe.concurrent("a runtime that tasks share", () => {
  const exact = `${IMAGE.replace(/:1$/, "")}@sha256:${"a".repeat(64)}`;

  it("serves one task after the other, and is asked to go when the system ends", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const { client, kill } = await startLaptop(atEnd, emulator, configurationWith(undefined, { ecrImageUri: exact }));
    const arns: unknown[] = [];
    for (const text of ["one", "two"]) {
      const id = await client.command({ command: `echo ${text}`, shell: true }, onAgentCore("runtime"));
      const record = await client.ended(id);
      expect(record).toMatchObject({ status: "succeeded" });
      expect(await client.log(id)).toBe(`${text}\n`);
      arns.push((record.providerRefs as { runtimeArn: string }).runtimeArn);
    }
    expect(arns[1]).toBe(arns[0]);
    await expect.poll(() => emulator.inventory.sessions, settles).toEqual([]);
    expect(emulator.machines.booted).toBe(2);
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(0);
    await kill("SIGTERM");
    expect(emulator.inventory).toEqual(nothing);
    expect(emulator.countOf("CreateAgentRuntime")).toBe(1);
    expect(emulator.flaws).toEqual([]);
  });

  it("is deleted by the next system, where the last was killed", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const folder = temporaryFolder(atEnd);
    const configuration = configurationWith(undefined, { ecrImageUri: exact });
    const first = await startLaptop(atEnd, emulator, configuration, folder);
    const id = await first.client.command("true", onAgentCore("runtime"));
    expect(await first.client.ended(id)).toMatchObject({ status: "succeeded" });
    await first.kill("SIGKILL");
    expect(emulator.inventory.runtimes).toHaveLength(1);
    const second = await startLaptop(atEnd, emulator, configuration, folder);
    await second.client.ended(id);
    await expect.poll(() => emulator.inventory.sessions, settles).toEqual([]);
    await second.kill("SIGTERM");
    expect(emulator.inventory).toEqual(nothing);
  });
});

describe.concurrent("an agent", () => {
  it("can be addressed directly: at once in mode session, once its runtime is known in mode runtime", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    emulator.runtimes.getsUntilReady = 2;
    const arn = emulator.deploy("shared");
    const { client } = await startLaptop(atEnd, emulator, configurationWith(arn));
    const spawn = (mode: "runtime" | "session") =>
      client.must("spawn_cloud_agent", { instruction: "hello", framework: "echo", ...spawnOn(mode) });
    const handle = await spawn("session");
    expect(handle.cloudAgent).toMatchObject({ protocol: "http", providerRefs: { runtimeArn: arn } });
    const made = await spawn("runtime");
    expect(made.cloudAgent).toBeUndefined();
    const record = await client.ended(made.taskId as string);
    expect(record).toMatchObject({ status: "succeeded", cloudAgent: { invocation: { qualifier: "DEFAULT" } } });
    const direct = (handle.cloudAgent as { sessionId: string }).sessionId;
    const ended = await client.ended(handle.taskId as string);
    expect(ended).toMatchObject({ status: "succeeded", providerRefs: { runtimeSessionId: direct } });
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });
});

it("half an ARN in a call is refused before anything is made", async ({ expect, onTestFinished: atEnd }) => {
  const emulator = await startEmulator(atEnd);
  const { client } = await startLaptop(atEnd, emulator, configurationWith(undefined));
  const { target, ...rest } = onAgentCore("session");
  const call = { ...client.commandCall({ command: "true" }), ...rest };
  const half = { ...(target as Json), details: { runtimeArn: HALF } };
  expect(problemOf(await client.call("dispatch_task", { ...call, target: half }))).toMatchObject({
    code: "task.target_incomplete",
    message: expect.stringContaining("ten characters"),
  });
  expect((await client.must("list_tasks", {})).items).toEqual([]);
});

const spawnOn = (mode: "runtime" | "session") => {
  const { provider, account_profile, target } = onAgentCore(mode);
  return { provider, account_profile, target };
};

describe.concurrent("what cannot work", () => {
  const cases: [why: string, mode: "runtime" | "session", details: Json, input: Json, code: string, message: string][] =
    [
      ["no ARN", "session", {}, { command: "true" }, "task.target_incomplete", "runtimeArn is missing"],
      ["an open quote", "runtime", {}, { command: "echo 'a" }, "input.invalid", "input.command"],
      ["a folder elsewhere", "runtime", {}, { command: "ls", cwd: "/etc" }, "input.invalid", "input.cwd"],
      ["a folder above", "runtime", {}, { command: "ls", cwd: "a/../.." }, "input.invalid", "input.cwd"],
      [
        "a folder above, where the workspace is not known",
        "session",
        { runtimeArn: `${HALF}-AbCdEf1234` },
        { command: "ls", cwd: "../etc" },
        "input.invalid",
        "input.cwd",
      ],
      ["no image", "runtime", { ecrImageUri: "" }, { command: "true" }, "task.target_incomplete", "ecrImageUri"],
    ];
  it.for(cases)(
    "is refused before anything is made: %s",
    async ([_why, mode, details, input, code, message], { expect, onTestFinished: atEnd }) => {
      const emulator = await startEmulator(atEnd);
      const { client } = await startLaptop(atEnd, emulator, configurationWith(undefined, details));
      const call = client.commandCall(input);
      const problem = problemOf(await client.call("dispatch_task", { ...call, ...onAgentCore(mode) }));
      expect(problem).toMatchObject({ code, retryable: false, message: expect.stringContaining(message) });
      expect((await client.must("list_tasks", {})).items).toEqual([]);
      expect(emulator.calls).toEqual([]);
    },
  );
});

describe.concurrent("trouble on the way", () => {
  it("that lasts a minute is proof that a runtime which is not found is gone", { timeout: 180_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const { client } = await startLaptop(atEnd, emulator, configurationWith(emulator.deploy("shared")));
    const id = await client.command({ command: "echo begun; sleep 600", shell: true }, onAgentCore("session"));
    const { providerRefs } = await client.until(id, hasLog);
    emulator.runtimes.vanish((providerRefs as { runtimeArn: string }).runtimeArn);
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost", retryable: true } });
    expect(await client.log(id)).toBe("begun\n");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it("at the beginning of a runtime ends nothing: its endpoint comes later, and takes no invocation at first", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    Object.assign(emulator.runtimes, {
      getsUntilEndpoint: 1,
      getsUntilEndpointReady: 1,
      earlyRefusals: ["ResourceNotFoundException", "ValidationException"],
    });
    const { client } = await startLaptop(atEnd, emulator, configurationWith());
    const id = await client.command("true", onAgentCore("runtime"));
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(emulator.countOf("GetAgentRuntimeEndpoint")).toBe(3);
    expect(emulator.machines.booted).toBe(1);
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it("does not make a second runtime when the answer to its creation is lost", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    emulator.fail("CreateAgentRuntime", { lose: "answer" });
    const { client } = await startLaptop(atEnd, emulator, configurationWith());
    const id = await client.command("true", onAgentCore("runtime"));
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(emulator.countOf("CreateAgentRuntime")).toBe(2);
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(1);
  });

  it("neither ends nor doubles a job: throttling, conflicts, late, cut and lost answers", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const proof = `${temporaryFolder(atEnd)}/proof`;
    const { client } = await startLaptop(atEnd, emulator, configurationWith(emulator.deploy("shared")));
    const isOp = (op: string) => (call: { body: unknown }) => (call.body as { op?: string }).op === op;
    emulator.fail("InvokeAgentRuntime", { error: "RetryableConflictException" }, 2, isOp("hello"));
    emulator.fail("InvokeAgentRuntime", { error: "ThrottlingException" }, 2, isOp("start"));
    emulator.fail("InvokeAgentRuntime", { lose: "answer" }, 1, isOp("start"));
    emulator.fail("InvokeAgentRuntime", { error: "InternalServerException" }, 1, isOp("poll"));
    emulator.fail("InvokeAgentRuntime", { error: "RuntimeClientError" }, 1, isOp("poll"));
    emulator.fail("InvokeAgentRuntime", { lose: "half" }, 1, isOp("poll"));
    emulator.fail("StopRuntimeSession", { error: "RetryableConflictException" }, 2);
    const job = { command: `echo ran >> ${proof}; for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done`, shell: true };
    const id = await client.command(job, onAgentCore("session"));
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    expect(await client.log(id)).toBe("1\n2\n3\n4\n5\n6\n");
    expect(readFileSync(proof, "utf8")).toBe("ran\n");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it.for([
    ["CREATE_FAILED", "worker.start_failed", "image pull denied"],
    ["AccessDeniedException", "platform.access_denied", "bedrock-agentcore:CreateAgentRuntime"],
  ])("says why there is no runtime after %s", async ([what, code, text], { expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    if (what === "CREATE_FAILED") emulator.runtimes.createFails = "image pull denied";
    else emulator.fail("CreateAgentRuntime", { error: "AccessDeniedException", message: "no" });
    const { client } = await startLaptop(atEnd, emulator, configurationWith());
    const id = await client.command("true", onAgentCore("runtime"));
    const { status, error } = await client.ended(id);
    expect(status).toBe("failed");
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error)).toContain(text);
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it("deletes a runtime only once it can be deleted", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    emulator.runtimes.getsUntilReady = 3;
    emulator.runtimes.getsUntilGone = 1;
    const { client } = await startLaptop(atEnd, emulator, configurationWith());
    const id = await client.command({ command: "sleep 600" }, onAgentCore("runtime"));
    await expect.poll(() => emulator.countOf("CreateAgentRuntime"), settles).toBe(1);
    await client.must("cancel_task", { task_id: id });
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    // Each look at one that is not there yet is followed by a pause of ten seconds at least.
    await expect.poll(() => emulator.inventory, { timeout: 90_000 }).toEqual(nothing);
    expect(emulator.flaws).toEqual([]);
  });
});

describe.concurrent("a control plane killed with kill -9", () => {
  it("finds its job on AgentCore again", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const folder = temporaryFolder(atEnd);
    const configuration = configurationWith(emulator.deploy("shared"));
    const first = await startLaptop(atEnd, emulator, configuration, folder);
    const job = { command: "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.3; done", shell: true };
    const id = await first.client.command(job, onAgentCore("runtime"));
    await first.client.until(id, hasLog);
    await first.kill("SIGKILL");
    const { client } = await startLaptop(atEnd, emulator, configuration, folder);
    expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    expect(await client.log(id)).toBe("1\n2\n3\n4\n5\n6\n7\n8\n");
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
    expect(emulator.machines.booted).toBe(1);
  });
});

/** The documented configuration, with the address of a runtime that is there. */
const example = (runtimeArn: string) =>
  documentedConfiguration({ runtimeArn, defaultExecutionRoleArn: "arn:aws:iam::123456789012:role/worker" });

describe.concurrent("the configured session on a runtime of others", () => {
  it.for([
    ["a2a", "A2A", "Hello world"],
    ["bedrock-agentcore", "HTTP", { answer: "## Task\n\nsay hello" }],
  ] as const)(
    "is one call of a %s agent, by %s",
    async ([name, serverProtocol, result], { expect, onTestFinished: atEnd }) => {
      const emulator = await startEmulator(atEnd);
      const contractLess = await startAgent(name, { atEnd });
      const arn = emulator.deploy("my_runtime", { serverProtocol, contractLess });
      const { client } = await startLaptop(atEnd, emulator, example(arn));
      const check = await client.must("check_cloud_agent_runtime", {});
      expect((check.checks as Json[]).find(({ name: check }) => check === "contract")).toMatchObject({
        status: "warn",
      });
      const { taskId } = await client.must("spawn_cloud_agent", { instruction: "say hello" });
      const record = await client.ended(taskId as string);
      expect(record).toMatchObject({ status: "succeeded", providerRefs: { contract: "none", serverProtocol } });
      const ended = await client.must("get_task_result", { task_id: taskId as string });
      expect(ended.result).toEqual(result);
      if (name === "a2a") {
        const [file] = ended.artifacts as Json[];
        const envelope = JSON.parse(readFileSync(new URL(file?.uri as string), "utf8"));
        expect(envelope).toMatchObject({ jsonrpc: "2.0", result: { status: { state: "completed" } } });
      }
      expect(emulator.calls.filter(({ operation }) => operation === "InvokeAgentRuntime")).toHaveLength(1);
      expect(JSON.stringify(emulator.calls)).not.toContain('"op":');
      await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
      expect(emulator.flaws).toEqual([]);
    },
  );
});

describe.concurrent("an A2A agent of others", () => {
  it("is answered by a2a_send when it asks, and goes on with the task that it has", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const arn = emulator.deploy("my_runtime", {
      serverProtocol: "A2A",
      contractLess: await startAgent("a2a", { atEnd }),
    });
    const { client } = await startLaptop(atEnd, emulator, example(arn));
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "ask which one?" });
    const task_id = taskId as string;
    const asking = await client.until(task_id, ({ status }) => status === "input_required");
    expect(asking.inputRequests).toMatchObject({ question: { params: { message: "which one?" } } });
    expect(await client.must("a2a_send", { task_id, text: "ask when?", timeout_seconds: 20 })).toEqual({
      taskId,
      status: "input_required",
      question: "when?",
    });
    const told = await client.must("a2a_send", { task_id, text: "now", timeout_seconds: 20 });
    expect(told).toMatchObject({ taskId, reply: expect.stringMatching(/heard ask when\?, now in \S+ of \S+$/) });
    expect(await client.ended(task_id)).toMatchObject({ status: "succeeded" });
    const asked = (await client.events(task_id)).filter(({ type }) => type === "task.input_required");
    expect(asked).toMatchObject([{ message: "which one?" }, { message: "when?" }]);
    const late = problemOf(await client.call("a2a_send", { task_id, text: "more" }));
    expect(late).toMatchObject({ code: "task.terminal" });
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
    expect(emulator.flaws).toEqual([]);
  });
});

describe.concurrent("a runtime that knows nothing of the worker contract", () => {
  const contractLess = { contract: "none" };

  it("is asked once, and what it answers is the result", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const asked: Json[] = [];
    const arn = emulator.deploy("strangers", {
      contractLess: (body, response) => {
        asked.push(JSON.parse(String(body)));
        response.writeHead(200, { "content-type": "application/json" }).end('{"answer":42}');
      },
    });
    const { client } = await startLaptop(atEnd, emulator, configurationWith(arn, contractLess));
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "ask", ...spawnOn("session") });
    const record = await client.ended(taskId as string);
    expect(record).toMatchObject({ status: "succeeded", result: { answer: 42 } });
    expect(asked).toMatchObject([{ taskType: "agent.run", prompt: expect.stringContaining("ask") }]);
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
    await expect.poll(() => emulator.countOf("StopRuntimeSession"), settles).toBeGreaterThan(0);
  });

  it("streams its answer into the log, and its last event is the result", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const more = Promise.withResolvers<void>();
    const arn = emulator.deploy("strangers", {
      contractLess: async (_body, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write('data: {"step":1}\n\n');
        await more.promise;
        response.end('data: {"step":2}\n\ndata: {"done":true}\n\n');
      },
    });
    const { client } = await startLaptop(atEnd, emulator, configurationWith(arn, contractLess));
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "ask", ...spawnOn("session") });
    const id = taskId as string;
    await client.until(id, hasLog);
    expect(await client.log(id)).toBe('{"step":1}\n');
    more.resolve();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { done: true } });
    expect(await client.log(id)).toBe('{"step":1}\n{"step":2}\n{"done":true}\n');
  });

  it("is not asked again when its answer was cut off", async ({ expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const arn = emulator.deploy("strangers", {
      contractLess: (_body, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write('{"half":', () => response.destroy());
      },
    });
    const { client } = await startLaptop(atEnd, emulator, configurationWith(arn, contractLess));
    const { taskId } = await client.must("spawn_cloud_agent", { instruction: "ask", ...spawnOn("session") });
    const record = await client.ended(taskId as string);
    expect(record).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
  });

  it("loses its job with the control plane that held the connection", { timeout: 180_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const emulator = await startEmulator(atEnd);
    const folder = temporaryFolder(atEnd);
    const arn = emulator.deploy("strangers", {
      contractLess: (_body, response) => void response.writeHead(200).write(" "),
    });
    const configuration = configurationWith(arn, contractLess);
    const first = await startLaptop(atEnd, emulator, configuration, folder);
    const { taskId } = await first.client.must("spawn_cloud_agent", { instruction: "ask", ...spawnOn("session") });
    const id = taskId as string;
    await expect.poll(() => emulator.countOf("InvokeAgentRuntime"), settles).toBe(1);
    await first.client.until(id, ({ status }) => status === "running");
    await first.kill("SIGKILL");
    const { client } = await startLaptop(atEnd, emulator, configuration, folder);
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
  });

  it.for<[Json, number, string]>([
    [{ command: "printf '%s\\n' 'a  b' $HOME", args: ["it's"] }, 0, "a  b\n$HOME\nit's\n"],
    [{ command: 'cat; echo $((1 + 2)) $1; echo "two" >&2; exit 7', shell: true, args: ["x y"] }, 7, "3 x y\ntwo\n"],
    [{ command: "pwd", cwd: "/tmp" }, 0, "/tmp\n"],
  ])("runs the command %j beside the agent", async ([input, exitCode, log], { expect, onTestFinished: atEnd }) => {
    const emulator = await startEmulator(atEnd);
    const { client } = await startLaptop(
      atEnd,
      emulator,
      configurationWith(emulator.deploy("strangers"), contractLess),
    );
    const id = await client.command(input, onAgentCore("session"));
    const record = await client.ended(id);
    expect(record.status).toBe(exitCode === 0 ? "succeeded" : "failed");
    expect(await client.must("get_task_result", { task_id: id })).toMatchObject({
      result: { exitCode, timedOut: false },
    });
    expect((await client.log(id)).split("\n").sort()).toEqual(log.split("\n").sort());
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(0);
  });

  it.for<[Json]>([[{ command: "true", stdin: "x" }], [{ command: "true", env: { A: "b" } }]])(
    "is not given a command with what would be logged: %j",
    async ([input], { expect, onTestFinished: atEnd }) => {
      const emulator = await startEmulator(atEnd);
      const { client } = await startLaptop(
        atEnd,
        emulator,
        configurationWith(emulator.deploy("strangers"), contractLess),
      );
      const call = { task_type: "command.run", capability: "agent-runtime", input, ...onAgentCore("session") };
      expect(problemOf(await client.call("dispatch_task", call))).toMatchObject({ code: "adapter.unsupported" });
      expect(emulator.calls).toEqual([]);
    },
  );
});
