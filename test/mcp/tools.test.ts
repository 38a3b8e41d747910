import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ownEvent } from "../../lib/contract/events.ts";
import type { Json, Task } from "../../lib/contract/task.ts";
import { bytes, describeContent, makeTask, withFields } from "../contract/make-task.ts";
import { command, connect, openEndpoint, problemOf, revisions } from "./clients.ts";
import { exampleConfiguration, openPorts, RUNTIME_ARN, type TestPorts } from "./ports.ts";

const names = [
  "spawn_cloud_agent",
  "wait_for_task",
  "get_task_result",
  "get_task_logs",
  "get_task_status",
  "list_tasks",
  "cancel_task",
  "send_task_input",
  "dispatch_task",
  "check_cloud_agent_runtime",
  "list_providers",
  "list_capabilities",
  "list_account_profiles",
];
const ended = (more: Partial<Task> = {}): Task =>
  makeTask({
    owner: "me",
    status: "succeeded",
    phases: { queued: "2026-11-20T10:00:00.000Z", succeeded: "2026-11-20T10:00:01.000Z" },
    result: { exitCode: 0 },
    ...more,
  });

describe.each(revisions)("a client on %s", (revision) => {
  const open = async (ports: TestPorts = openPorts()) => {
    const url = await openEndpoint({ ports });
    return { ports, ...(await connect(url, revision)) };
  };

  test("lists the tools", async () => {
    const { listTools } = await open();
    const tools = await listTools();
    expect(tools.map(({ name }) => name)).toEqual(names);
    for (const tool of tools) {
      const { execution, _meta, ...rest } = tool;
      expect(Object.keys(rest).sort()).toEqual(
        ["annotations", "description", "inputSchema", "name", "outputSchema", "title"].sort(),
      );
      // The one revision in which a tool says that it may become a task
      const mayBeTask = ["spawn_cloud_agent", "dispatch_task", "wait_for_task"].includes(String(tool.name));
      const isSaid = revision === "2025-11-25" && mayBeTask;
      expect(execution).toEqual(isSaid ? { taskSupport: "optional" } : undefined);
      expect(Object.keys(tool.annotations as Json).sort()).toEqual(
        ["destructiveHint", "idempotentHint", "openWorldHint", "readOnlyHint"].sort(),
      );
    }
  });

  test("lists come bare as text and as items in structured content", async () => {
    const { call } = await open();
    const providers = await call("list_providers");
    expect(providers).toEqual({ isError: false, structured: { items: ["aws", "local"] }, text: ["aws", "local"] });
    const capabilities = await call("list_capabilities", { provider: "local" });
    const local = {
      adapter: "local-process",
      provider: "local",
      capability: "agent-runtime",
      taskTypes: ["agent.run", "command.run", "parallel.run", "dialogue.run"],
      targetModes: ["session"],
      protocols: ["http"],
      configRequirements: { session: [] },
      defaultFramework: "echo",
    };
    expect(capabilities).toEqual({ isError: false, structured: { items: [local] }, text: [local] });
    const { text } = await call("list_account_profiles");
    expect(text).toEqual([
      { name: "local", provider: "local", credentialSource: "none" },
      { name: "dev-aws", provider: "aws", region: "us-west-2", credentialSource: "aws-sdk-default" },
    ]);
  });

  test("dispatches a program and gets its handle", async () => {
    const { call, ports } = await open();
    const { structured, text } = await call("dispatch_task", command());
    expect(structured).toEqual({
      taskId: expect.stringMatching(/^task_[0-9a-f]{32}$/),
      status: "provisioning",
      provider: "local",
      accountProfile: "local",
      capability: "agent-runtime",
      backend: "local-process",
      poll: { statusTool: "get_task_status", logsTool: "get_task_logs", resultTool: "get_task_result" },
    });
    expect(text).toEqual(structured);
    expect(ports.starts).toEqual([`${structured?.taskId}-1`]);
  });

  test("spawns an agent, or is asked for what is missing", async () => {
    const { call, ports } = await open();
    const asked = await call("spawn_cloud_agent", { runtime: "research" });
    expect(asked.isError).toBe(false);
    expect(asked.structured).toEqual({
      status: "needs_clarification",
      retry_tool: "spawn_cloud_agent",
      questions: [
        { id: "instruction", question: "What should the agent do?" },
        { id: "topic", question: "The runtime profile research needs topic. What is it?" },
      ],
      available_runtimes: [
        { name: "local", provider: "local", framework: "echo" },
        { name: "research", provider: "aws", protocol: "a2a", framework: "strands", model: "small" },
      ],
    });
    const { structured } = await call("spawn_cloud_agent", {
      runtime: "research",
      instruction: "look it up",
      topic: "tides",
      goal: "know",
      environmentVariables: { REGION_HINT: "secret value" },
    });
    expect(structured).toMatchObject({
      status: "provisioning",
      backend: "aws-agentcore",
      cloudAgent: { protocol: "a2a" },
    });
    const task = await ports.store.get(structured?.taskId as string);
    expect(task).toMatchObject({
      goal: "know",
      profile: "research",
      env: { REGION_HINT: "secret value" },
      target: { mode: "session", protocol: "a2a", details: { runtimeArn: RUNTIME_ARN, qualifier: "PROD" } },
      input: {
        instruction: "look it up",
        context: { topic: "tides" },
        framework: "strands",
        model: "small",
        runtime_tools: { enabled: ["search"], safe: true, depth: 1 },
        protocol: "a2a",
      },
      metadata: { tier: 1, from: "defaults", team: "research" },
    });
    const record = await call("get_task_status", { task_id: structured?.taskId as string });
    expect(record.structured).toMatchObject({ envNames: ["REGION_HINT"] });
    expect(JSON.stringify(record)).not.toContain("secret value");
  });

  test("sees the record of a task, its events and its place in the queue", async () => {
    const { call } = await open(openPorts());
    const ids: unknown[] = [];
    for (let i = 0; i < 6; i++) ids.push((await call("dispatch_task", command())).structured?.taskId);
    const { structured, text } = await call("get_task_status", { task_id: ids[5], events_after: 0 });
    expect(text).toEqual(structured);
    expect(structured).toMatchObject({
      id: ids[5],
      owner: "me",
      provider: "local",
      accountProfile: "local",
      capability: "agent-runtime",
      taskType: "command.run",
      target: { mode: "session" },
      input: { command: "true" },
      backend: "local-process",
      status: "queued",
      queuePosition: 2,
      providerRefs: {},
      events: [{ taskId: ids[5], sequence: 1, type: "task.created" }],
      eventsNext: 1,
    });
    for (const hidden of ["lease", "revision", "session", "env", "executionNumber", "obligations", "dueAtMs"])
      expect(structured).not.toHaveProperty(hidden);
  });

  test("reads output by cursor", async () => {
    const { call, ports } = await open();
    const task = makeTask({ owner: "me", status: "succeeded", logLength: 12 });
    await ports.store.create(task);
    const timestamp = "2026-11-20T10:00:00.000Z";
    await ports.store.appendLog([
      { taskId: task.id, offset: 0, sequence: 100, stream: "stdout", timestamp, text: "hello " },
      { taskId: task.id, offset: 6, sequence: 101, stream: "stdout", timestamp, text: "world\n" },
    ]);
    const { structured } = await call("get_task_logs", { task_id: task.id, cursor: 3, limit: 5, wait_seconds: 45 });
    expect(structured).toEqual({ taskId: task.id, cursor: 3, nextCursor: 8, data: "lo wo" });
    const rest = await call("get_task_logs", { task_id: task.id, cursor: 12, wait_seconds: 45 });
    expect(rest.structured).toEqual({ taskId: task.id, cursor: 12, nextCursor: 12, data: "" });
  });

  test("says at the end of a log that its rest was not kept", async () => {
    const { call, ports } = await open();
    const task = makeTask({ owner: "me", status: "succeeded", logLength: 6, logTruncated: true });
    await ports.store.create(task);
    const timestamp = "2026-11-20T10:00:00.000Z";
    const chunk = { taskId: task.id, sequence: 100, stream: "stdout", timestamp };
    await ports.store.appendLog([{ ...chunk, offset: 0, text: "hello\n" }]);
    const read = async (cursor: number) =>
      (await call("get_task_logs", { task_id: task.id, cursor, limit: 3 })).structured;
    expect(await read(0)).not.toHaveProperty("logTruncated");
    for (const cursor of [3, 6]) expect(await read(cursor)).toMatchObject({ nextCursor: 6, logTruncated: true });
    const { structured } = await call("get_task_status", { task_id: task.id });
    expect(structured).toMatchObject({ logTruncated: true });
  });

  test("gets a result with its artifacts, stored and lost", async () => {
    const { call, ports } = await open();
    const createdAt = "2026-11-20T10:00:00.000Z";
    const content = bytes("# report");
    await ports.artifacts.put(makeTask().id, "x", content, "text/markdown");
    const task = ended({
      artifacts: [
        describeContent(content, { createdAt, state: "stored" }),
        describeContent(bytes("gone"), {
          createdAt,
          id: "artifact-2",
          name: "gone.bin",
          state: "lost",
          reason: "the worker was gone",
        }),
      ],
    });
    await ports.store.create(task);
    const { structured, text } = await call("get_task_result", { task_id: task.id });
    expect(text).toEqual(structured);
    expect(structured).toEqual({
      taskId: task.id,
      status: "succeeded",
      result: { exitCode: 0 },
      artifacts: [
        {
          id: "artifact-1",
          taskId: task.id,
          kind: "file",
          uri: expect.stringMatching(/^file:\/\/\/.*\/report\.md$/),
          name: "report.md",
          contentType: "text/markdown",
          sizeBytes: 8,
          sha256: createHash("sha256").update("# report").digest("hex"),
          createdAt,
        },
      ],
      lostArtifacts: [{ id: "artifact-2", name: "gone.bin", reason: "the worker was gone" }],
    });
    const running = makeTask({ owner: "me", status: "running", result: "not yet" });
    await ports.store.create(running);
    expect((await call("get_task_result", { task_id: running.id })).structured).toEqual({
      taskId: running.id,
      status: "running",
      artifacts: [],
    });
  });

  test("waits until a task has ended, and is told of progress meanwhile", async () => {
    const { call, ports } = await open();
    const task = makeTask({ owner: "me", status: "running" });
    await ports.store.create(task);
    const told: Json[] = [];
    const step = (sequence: number) => ({
      sequence,
      message: `step ${sequence}`,
      timestamp: "2026-11-20T10:00:00.000Z",
    });
    await ports.store.change(task.id, (current) => ({ ...current, progress: step(100) }));
    const first = Promise.withResolvers<void>();
    const waiting = call("wait_for_task", { task_id: task.id, timeout_seconds: 40 }, (progress) => {
      told.push(progress);
      first.resolve();
    });
    // Whether the wait has begun cannot be seen, so progress goes on until it is heard of
    for (let sequence = 101, heard = false; !heard; sequence++) {
      await ports.store.change(task.id, (current) => ({ ...current, progress: step(sequence) }));
      heard = await Promise.race([first.promise.then(() => true), delay(20).then(() => false)]);
    }
    await ports.store.change(task.id, (current) => withFields(current, { status: "completing" }));
    await ports.store.change(task.id, (current) => withFields(current, { status: "succeeded" }));
    const { structured } = await waiting;
    expect(structured).toMatchObject({ id: task.id, status: "succeeded" });
    expect(structured).not.toHaveProperty("timedOutWaiting");
    expect(told.length).toBeGreaterThan(0);
    const heard = told.map(({ progress }) => progress as number);
    expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
    expect(told[0]?.message).toMatch(/^running: step \d+$/);
    expect(told.at(-1)?.message).toMatch(/^succeeded: step \d+$/);
  });

  test("is told the phase and the last line of a job that only prints", async () => {
    const { call, ports } = await open();
    const task = makeTask({ owner: "me", status: "running" });
    await ports.store.create(task);
    let offset = 0;
    const print = async (text: string) => {
      const timestamp = "2026-11-20T10:00:00.000Z";
      await ports.store.appendLog([
        { taskId: task.id, offset, sequence: 100 + offset, stream: "stdout", timestamp, text },
      ]);
      offset += text.length;
      await ports.store.change(task.id, (current) => ({ ...current, logLength: offset }));
    };
    const told: Json[] = [];
    await print("first\n50 %\r\u001b[32m90 %\u001b[0m\n\n");
    const begun = Promise.withResolvers<void>();
    const waiting = call("wait_for_task", { task_id: task.id, timeout_seconds: 40 }, (progress) => {
      told.push(progress);
      begun.resolve();
    });
    await begun.promise;
    expect(told).toMatchObject([{ message: "running: 90 %" }]);
    await ports.store.change(task.id, (current) => withFields(current, { status: "completing" }));
    await ports.store.change(task.id, (current) => withFields(current, { status: "succeeded" }));
    await waiting;
    expect(told.at(-1)).toMatchObject({ message: "succeeded: 90 %" });
    const heard = told.map(({ progress }) => progress as number);
    expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
  });

  test("is told when the wait was over first", async () => {
    const { call, ports } = await open();
    const task = makeTask({ owner: "me", status: "running" });
    await ports.store.create(task);
    const { structured } = await call("wait_for_task", { task_id: task.id, timeout_seconds: 0 });
    expect(structured).toMatchObject({ id: task.id, status: "running", timedOutWaiting: true });
  });

  test("cancels, once", async () => {
    const { call, ports } = await open();
    const { structured: handle } = await call("dispatch_task", command());
    const id = handle?.taskId as string;
    expect((await call("cancel_task", { task_id: id })).structured).toEqual({ taskId: id, status: "cancelling" });
    const task = ended({ status: "completing" });
    await ports.store.create(task);
    expect(problemOf(await call("cancel_task", { task_id: task.id }))).toEqual({
      code: "task.terminal",
      message: `task ${task.id} is completing: its result stands`,
      retryable: false,
      hint: "get_task_result returns it",
      details: { taskId: task.id, status: "completing" },
    });
  });

  test("lists tasks page by page, newest first", async () => {
    const { call } = await open();
    const ids: unknown[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await call("dispatch_task", command())).structured?.taskId);
    const first = await call("list_tasks", { limit: 2 });
    expect(first.text).toEqual(first.structured);
    const { items, cursor } = first.structured as { items: Json[]; cursor: string };
    expect(items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(items[0]).toMatchObject({ status: "provisioning", taskType: "command.run", summary: "true" });
    const second = await call("list_tasks", { limit: 2, cursor });
    expect(second.structured).toEqual({ items: [expect.objectContaining({ id: ids[2] })] });
    expect((await call("list_tasks", { status: "failed" })).structured).toEqual({ items: [] });
    expect(problemOf(await call("list_tasks", { cursor: "made-up" }))).toMatchObject({ code: "input.invalid" });
  });

  test("offers the frameworks that the worker has, and none that only a profile names", async () => {
    const { local } = exampleConfiguration.runtimes;
    const runtimes = { ...exampleConfiguration.runtimes, lacking: { ...local, framework: "nope" } };
    const { call } = await open(openPorts({ configuration: { ...exampleConfiguration, runtimes } }));
    const messages = async (runtime: string) =>
      JSON.stringify((await call("check_cloud_agent_runtime", { runtime, live: false })).structured?.checks);
    expect(await messages("local")).toContain('"echo; there are also: mine"');
    expect(await messages("lacking")).toContain("it has: echo, mine;");
  });

  test("checks a runtime without starting anything", async () => {
    const { call, ports } = await open();
    const { structured } = await call("check_cloud_agent_runtime", { live: false });
    expect(structured).toEqual({
      ok: true,
      runtime: "local",
      provider: "local",
      account_profile: "local",
      backend: "this-machine",
      adapter: "local-process",
      target_mode: "session",
      checks: [
        { name: "routing", status: "pass", message: "agent.run in mode session goes to local-process" },
        { name: "policy", status: "pass", message: "the policy allows it" },
        { name: "framework", status: "pass", message: "echo; there are also: mine" },
        { name: "settings", status: "pass", message: "every setting that it needs is there" },
        { name: "worker", status: "pass", message: "not asked" },
      ],
    });
    const failing = await call("check_cloud_agent_runtime", { runtime: "research", target: { mode: "runtime" } });
    expect(failing.structured).toMatchObject({ ok: false, target_mode: "runtime" });
    expect(problemOf(await call("check_cloud_agent_runtime", { runtime: "nothing" }))).toMatchObject({
      code: "runtime_profile.not_found",
      details: { choices: ["local", "research"] },
    });
    expect(ports.starts).toEqual([]);
  });

  test("never sees another owner's task", async () => {
    const { call, ports } = await open();
    const task = ended({ owner: "somebody else" });
    await ports.store.create(task);
    await ports.store.appendEvents([ownEvent(task.id, "task.created", 0)]);
    for (const tool of ["get_task_status", "get_task_logs", "get_task_result", "cancel_task", "wait_for_task"]) {
      expect(problemOf(await call(tool, { task_id: task.id }))).toEqual({
        code: "task.not_found",
        message: `no task ${task.id}`,
        retryable: false,
        hint: "list_tasks shows the tasks you can see",
      });
    }
    expect((await call("list_tasks")).structured).toEqual({ items: [] });
  });

  test("an unknown tool is an error of the protocol", async () => {
    const { call } = await open();
    await expect(call("no_such_tool")).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('Unknown tool "no_such_tool"'),
    });
  });
});
