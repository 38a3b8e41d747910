/** Tasks of MCP as they are on the wire, in both generations; tasks of the store stand for jobs in every phase. */
import { describe, expect, test } from "vitest";
import { RetryableError } from "../../lib/contract/errors.ts";
import { inputRequestsOf } from "../../lib/contract/input-requests.ts";
import type { Json } from "../../lib/contract/task.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { bareCaller, command } from "./clients.ts";
import { idleAdapter, openPorts, type TestPorts } from "./ports.ts";

const EXTENSION = "io.modelcontextprotocol/tasks";
const RELATED = "io.modelcontextprotocol/related-task";
const DAY_MS = 86_400_000;
const UNKNOWN = `task_${"0".repeat(32)}`;

type Answer = { status: number; result?: Json; error?: { code: number; message: string; data?: unknown } };

/** Sends requests of one generation as they are, as one owner. */
function open(era: "modern" | "legacy", { ports = openPorts(), owner = "me", declares = true } = {}) {
  const { post } = bareCaller({ ports, owner });
  const request = async (method: string, given: Json = {}, headers: Record<string, string> = {}): Promise<Answer> => {
    const params = era === "legacy" ? given : { ...given, _meta: envelope(declares) };
    const named = given.taskId ?? given.name;
    const response = await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }), {
      ...(era === "modern" && { "mcp-protocol-version": "2026-07-28", "mcp-method": method }),
      ...(era === "modern" && typeof named === "string" && { "mcp-name": named }),
      ...headers,
    });
    const { result, error } = (await response.json()) as Omit<Answer, "status">;
    return { status: response.status, ...(result && { result }), ...(error && { error }) };
  };
  const call = (name: string, args: Json, more: Json = {}) =>
    request("tools/call", { name, arguments: args, ...(era === "legacy" && { task: {} }), ...more });
  return { ports, request, call };
}

const envelope = (declares: boolean) => ({
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": declares ? { extensions: { [EXTENSION]: {} } } : {},
});

async function stored(ports: TestPorts, fields: TaskFields = {}): Promise<string> {
  const task = makeTask({ owner: "me", ...fields });
  await ports.store.create(task);
  return task.id;
}

const unreachable = () => Promise.reject(new RetryableError("worker.unavailable", "nobody answers just now"));
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const failed = (code: "task.exit_code" | "worker.lost") =>
  ({ status: "failed", error: { code, message: "it broke", retryable: false } }) as const;

describe("tasks of 2026-07-28", () => {
  test("are offered as an extension, and the methods of the revision before are gone", async () => {
    const { request } = open("modern");
    const { result } = await request("server/discover");
    expect(result?.capabilities).toMatchObject({ extensions: { [EXTENSION]: {} } });
    expect(result?.capabilities).not.toHaveProperty("tasks");
    for (const method of ["tasks/list", "tasks/result"])
      expect(await request(method, { taskId: UNKNOWN })).toMatchObject({ status: 404, error: { code: -32601 } });
    const list = await request("tools/list");
    expect(JSON.stringify(list)).not.toContain("taskSupport");
  });

  test("answer a dispatch with a task that can be read at once", async () => {
    const { ports, call, request } = open("modern");
    const { result } = await call("dispatch_task", command());
    expect(result).toMatchObject({
      resultType: "task",
      taskId: expect.stringMatching(/^task_[0-9a-f]{32}$/),
      status: "working",
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastUpdatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      ttlMs: expect.any(Number),
      pollIntervalMs: expect.any(Number),
    });
    expect(result).not.toHaveProperty("structuredContent");
    const taskId = String(result?.taskId);
    expect(await ports.store.get(taskId)).toMatchObject({ owner: "me" });
    expect((await request("tasks/get", { taskId })).result).toMatchObject({ resultType: "complete", taskId });
  });

  test("answer a spawn and a wait so too, without waiting", async () => {
    const { ports, call } = open("modern");
    const spawned = await call("spawn_cloud_agent", { instruction: "say it", framework: "echo" });
    expect(spawned.result).toMatchObject({ resultType: "task", status: "working" });
    const taskId = await stored(ports);
    const waited = await call("wait_for_task", { task_id: taskId, timeout_seconds: 45 });
    expect(waited.result).toMatchObject({ resultType: "task", taskId, status: "working" });
    const ended = await stored(ports, { status: "succeeded" });
    expect((await call("wait_for_task", { task_id: ended })).result).toMatchObject({
      resultType: "task",
      taskId: ended,
      status: "completed",
    });
  });

  test("give the same task for the same idempotency key", async () => {
    const { call } = open("modern");
    const once = { ...command(), idempotency_key: "once" };
    const [first, again] = [await call("dispatch_task", once), await call("dispatch_task", once)];
    expect(again.result?.taskId).toBe(first.result?.taskId);
    const other = await call("dispatch_task", { ...once, input: { command: "false" } });
    expect(other.result).toMatchObject({ resultType: "complete", isError: true });
  });

  test.each([
    ["asks for what is missing", "spawn_cloud_agent", {}, { structuredContent: { status: "needs_clarification" } }],
    ["is refused", "dispatch_task", command({ provider: "nowhere" }), { isError: true }],
    ["waits for what is not there", "wait_for_task", { task_id: UNKNOWN }, { isError: true }],
  ])("leave the answer as ever when a call %s", async (_what, name, args, expected) => {
    const answers = [open("modern"), open("modern", { declares: false })].map(({ call }) => call(name, args));
    const [withTasks, without] = await Promise.all(answers);
    expect(withTasks?.result).toMatchObject({ resultType: "complete", ...expected });
    expect(withTasks).toEqual(without);
  });

  test("are for those who declare them with the request alone", async () => {
    const { ports, call, request } = open("modern", { declares: false });
    const { result } = await call("dispatch_task", command(), { task: { ttl: 1 } });
    expect(result).toMatchObject({ resultType: "complete", structuredContent: { taskId: expect.any(String) } });
    const taskId = await stored(ports);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"])
      expect(await request(method, { taskId, inputResponses: {} })).toMatchObject({
        status: 400,
        error: { code: -32021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } },
      });
    expect(await ports.store.get(taskId)).toMatchObject({ status: "queued" });
  });

  test("name the task in the header Mcp-Name, or are refused", async () => {
    const { ports, request } = open("modern");
    const taskId = await stored(ports);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"])
      expect(await request(method, { taskId, inputResponses: {} }, { "mcp-name": UNKNOWN })).toMatchObject({
        status: 400,
        error: { code: -32020 },
      });
  });

  test.each([
    ["queued", {}, "working", /^queued: waits for a free slot, as number 1$/],
    ["provisioning", {}, "working", /^provisioning: /],
    ["starting", {}, "working", /^starting$/],
    ["running", {}, "working", /^running$/],
    [
      "running",
      { progress: { message: "3 of 10\u001b[31m\nfiles", sequence: 1, timestamp: ago(0) } },
      "working",
      /^running: 3 of 10 \[31m files$/,
    ],
    ["completing", {}, "working", /^completing: /],
    ["cancelling", {}, "working", /^cancelling: it is being stopped$/],
    ["succeeded", {}, "completed", /^succeeded$/],
    ["cancelled", {}, "cancelled", /^cancelled$/],
    ["failed", failed("task.exit_code"), "completed", /^failed: task\.exit_code: it broke$/],
    ["failed", failed("worker.lost"), "failed", /^failed: worker\.lost: it broke$/],
  ] as const)("show a task that is %s, %j, as %s", async (status, more, shown, message) => {
    const { ports, request } = open("modern");
    const taskId = await stored(ports, { status, ...more });
    if (status === "queued") {
      const { owner, profile, createdAt } = (await ports.store.get(taskId)) ?? makeTask();
      await ports.store.enqueue({ owner, profile, taskId, queuedAtMs: Date.parse(createdAt) });
    }
    const { result } = await request("tasks/get", { taskId });
    expect(result).toMatchObject({ status: shown, statusMessage: expect.stringMatching(message) });
    expect(result?.pollIntervalMs === undefined).toBe(shown !== "working");
  });

  test("say the last line of a job that only prints", async () => {
    const { ports, request } = open("modern");
    const text = "one\n\u001b[1mtwo\u001b[0m of three\r\n\n";
    const taskId = await stored(ports, { status: "running", logLength: text.length });
    await ports.store.appendLog([{ taskId, offset: 0, sequence: 100, stream: "stdout", timestamp: ago(0), text }]);
    expect((await request("tasks/get", { taskId })).result?.statusMessage).toBe("running: two of three");
  });

  test("end with exactly what get_task_result gives", async () => {
    const { ports, request } = open("modern");
    const taskId = await stored(ports, { status: "succeeded", result: { output: "done" } });
    const plain = await open("modern", { ports, declares: false }).call("get_task_result", { task_id: taskId });
    const { result } = await request("tasks/get", { taskId });
    const { _meta, ...expected } = plain.result ?? {};
    expect(result?.result).toEqual(expected);
    expect(expected).toMatchObject({ structuredContent: { taskId, result: { output: "done" } } });
  });

  test("end with the same, marked as an error, when the job failed", async () => {
    const { ports, request } = open("modern");
    const taskId = await stored(ports, { ...failed("task.exit_code"), result: { exitCode: 1 } });
    const plain = await open("modern", { ports, declares: false }).call("get_task_result", { task_id: taskId });
    const { _meta, ...expected } = plain.result ?? {};
    const { result } = await request("tasks/get", { taskId });
    expect(result?.result).toEqual({ ...expected, isError: true });
    expect(result).not.toHaveProperty("error");
  });

  test("end with an error of JSON-RPC that holds all there is when the worker or the platform failed", async () => {
    const { ports, request } = open("modern");
    const taskId = await stored(ports, { ...failed("worker.lost"), result: { output: "half" } });
    const { result } = await request("tasks/get", { taskId });
    expect(result?.error).toMatchObject({
      code: -32603,
      message: "worker.lost: it broke",
      data: { taskId, status: "failed", result: { output: "half" }, error: { code: "worker.lost" } },
    });
    expect(result).not.toHaveProperty("result");
  });

  test("are kept for as long as they say, and asked for as often as the workflow looks", async () => {
    const ports = { ...openPorts(), pace: { visitSeconds: 90, maxPauseSeconds: 60 } };
    const { request } = open("modern", { ports });
    const createdAt = ago(10 * 60_000);
    const running = await stored(ports, { status: "running", createdAt, phases: { running: ago(400_000) } });
    const { result: now } = await request("tasks/get", { taskId: running });
    // A tenth of what the job has lasted
    expect(now?.pollIntervalMs).toBe(40_000);
    // As if it ended now
    expect(Number(now?.ttlMs)).toBeGreaterThanOrEqual(90 * DAY_MS + 10 * 60_000);
    expect(Number(now?.ttlMs)).toBeLessThan(90 * DAY_MS + 20 * 60_000);
    const fresh = await stored(ports, { status: "running", phases: { running: ago(0) } });
    expect((await request("tasks/get", { taskId: fresh })).result).toMatchObject({ pollIntervalMs: 2000 });
    const old = await stored(ports, { status: "running", phases: { running: ago(DAY_MS) } });
    expect((await request("tasks/get", { taskId: old })).result).toMatchObject({ pollIntervalMs: 60_000 });
    const expiresAtSeconds = Math.floor(Date.parse(createdAt) / 1000) + 86_400;
    const settled = await stored(ports, { status: "succeeded", createdAt, expiresAtSeconds });
    const { result } = await request("tasks/get", { taskId: settled });
    expect(result?.ttlMs).toBe(expiresAtSeconds * 1000 - Date.parse(createdAt));
  });

  test("say what they ask, take answers one by one, and ignore those to what is not asked", async () => {
    const ports = openPorts({ backends: { "local-process": idleAdapter({ invoke: unreachable }) } });
    const { request } = open("modern", { ports });
    const inputRequests = inputRequestsOf({ colour: "Which colour?", size: "Which size?" });
    const taskId = await stored(ports, {
      status: "input_required",
      channel: "call",
      inputRequests,
      session: { id: "session", state: "open", inFlight: {} },
    });
    const asked = async () => (await request("tasks/get", { taskId })).result;
    expect(await asked()).toMatchObject({ status: "input_required", inputRequests });
    const update = (inputResponses: Json) => request("tasks/update", { taskId, inputResponses });
    const accept = (answer: unknown) => ({ action: "accept", content: { answer } });
    const acknowledged = { resultType: "complete", _meta: expect.any(Object) };

    expect((await update({})).result).toEqual(acknowledged);
    expect((await update({ shape: accept("round") })).result).toEqual(acknowledged);
    expect((await update({ colour: accept(7) })).error).toMatchObject({ code: -32602 });
    expect(await asked()).toMatchObject({ status: "input_required", inputRequests });

    expect((await update({ colour: accept("red") })).result).toEqual(acknowledged);
    expect((await asked())?.inputRequests).toEqual({ size: inputRequests.size });
    // Another answer to what was answered changes nothing.
    expect((await update({ colour: accept("blue"), size: accept("small") })).result).toEqual(acknowledged);
    expect(await asked()).toMatchObject({ status: "working" });
    expect(await asked()).not.toHaveProperty("inputRequests");
    const answers = (await ports.store.get(taskId))?.answers;
    expect(answers).toMatchObject([
      { key: "colour", response: accept("red") },
      { key: "size", response: accept("small") },
    ]);

    const ended = await stored(ports, { status: "succeeded" });
    const late = await request("tasks/update", { taskId: ended, inputResponses: { colour: accept("red") } });
    expect(late.result).toEqual(acknowledged);
  });

  test("are cancelled, and once they have ended a cancel is acknowledged and changes nothing", async () => {
    const { ports, request } = open("modern");
    const queued = await stored(ports);
    expect((await request("tasks/cancel", { taskId: queued })).result).toEqual({ resultType: "complete", ...stamp });
    expect(await ports.store.get(queued)).toMatchObject({ status: "cancelled" });
    const ended = await stored(ports, { status: "succeeded" });
    expect((await request("tasks/cancel", { taskId: ended })).result).toEqual({ resultType: "complete", ...stamp });
    expect(await ports.store.get(ended)).toMatchObject({ status: "succeeded" });
  });

  const stamp = { _meta: expect.any(Object) };

  test.each(["tasks/get", "tasks/update", "tasks/cancel"])("are nobody else's: %s finds none", async (method) => {
    const { ports, request } = open("modern");
    const theirs = await stored(ports, { owner: "somebody else" });
    for (const taskId of [theirs, UNKNOWN, "not a task"]) {
      const { error } = await request(method, { taskId, inputResponses: {} });
      expect(error).toMatchObject({ code: -32602 });
    }
    expect(await ports.store.get(theirs)).toMatchObject({ status: "queued" });
  });

  test("whose store fails are an internal error that says nothing of the inside", async () => {
    const ports = openPorts();
    const taskId = await stored(ports);
    const get = () => Promise.reject(new Error("secret of the inside"));
    const { request } = open("modern", { ports: { ...ports, store: { ...ports.store, get } } });
    const { error } = await request("tasks/get", { taskId });
    expect(error).toMatchObject({ code: -32603 });
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(ports.logged.join()).toContain("secret of the inside");
  });

  test("cannot be listened to: a stream acknowledges none of them and ends, or is refused to who declares none", async () => {
    const { ports } = open("modern");
    const taskId = await stored(ports);
    const listen = (declares: boolean) =>
      bareCaller({ ports, owner: "me" }).post(
        JSON.stringify({
          jsonrpc: "2.0",
          id: 7,
          method: "subscriptions/listen",
          params: { notifications: { taskIds: [taskId] }, _meta: envelope(declares) },
        }),
        { "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" },
      );
    const refused = await listen(false);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      id: 7,
      error: { code: -32021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } },
    });
    const stream = await (await listen(true)).text();
    const messages = stream.split("\n").flatMap((line) => (line.startsWith("data: ") ? JSON.parse(line.slice(6)) : []));
    expect(messages).toMatchObject([
      { method: "notifications/subscriptions/acknowledged", params: { notifications: {} } },
      { id: 7, result: { resultType: "complete" } },
    ]);
    expect(messages[0].params.notifications).toEqual({});
  });
});

describe("tasks of 2025-11-25", () => {
  test("are offered to those who can ask for them", async () => {
    const { request } = open("legacy");
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const { result } = await request("initialize", params);
    expect(result?.capabilities).toMatchObject({ tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } });
    expect(result?.capabilities).not.toHaveProperty("extensions");
    const { tools } = (await request("tools/list")).result as { tools: { name: string; execution?: object }[] };
    const withTasks = tools.filter(({ execution }) => execution !== undefined);
    expect(withTasks.map(({ name }) => name).sort()).toEqual(["dispatch_task", "spawn_cloud_agent", "wait_for_task"]);
    for (const { execution } of withTasks) expect(execution).toEqual({ taskSupport: "optional" });
  });

  test("answer a call that asks for one with a task, and any other as ever", async () => {
    const { request, call } = open("legacy");
    const { result } = await call("dispatch_task", command(), { task: { ttl: 60_000, pollInterval: 100 } });
    const { task } = result as { task: Json };
    expect(task).toMatchObject({ status: "working", ttl: expect.any(Number), pollInterval: expect.any(Number) });
    expect(task).not.toHaveProperty("ttlMs");
    expect(result?._meta).toMatchObject({ [RELATED]: { taskId: task.taskId } });
    const read = (await request("tasks/get", { taskId: task.taskId })).result;
    expect(read).toMatchObject({ taskId: task.taskId, status: "working", createdAt: task.createdAt });
    expect(read).not.toHaveProperty("_meta");
    const plain = await request("tools/call", { name: "dispatch_task", arguments: command() });
    expect(plain.result).toMatchObject({ structuredContent: { taskId: expect.any(String) } });
    expect(plain.result).not.toHaveProperty("task");
  });

  test.each([
    ["asks for what is missing", "spawn_cloud_agent", {}, /needs_clarification.*"id":"instruction"/],
    ["is refused", "dispatch_task", command({ provider: "nowhere" }), /^[a-z_]+\.[a-z_]+: /],
    ["names a task that is not there", "wait_for_task", { task_id: UNKNOWN }, /^task\.not_found: /],
  ])("tell in an error, which their clients can read, that a call %s", async (_what, name, args, message) => {
    const { call } = open("legacy");
    const { error } = await call(name, args);
    expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(message), data: expect.any(Object) });
  });

  test("are made by the tools that say so alone", async () => {
    const { call } = open("legacy");
    expect((await call("list_tasks", {})).error).toMatchObject({ code: -32601 });
  });

  test("are listed in pages, those of the owner alone", async () => {
    const { ports, request } = open("legacy");
    const own: string[] = [];
    for (let n = 0; n < 51; n++) own.push(await stored(ports, { createdAt: ago(60_000 - n) }));
    await stored(ports, { owner: "somebody else" });
    const first = (await request("tasks/list")).result as { tasks: Json[]; nextCursor: string };
    expect(first.tasks).toHaveLength(50);
    expect(first.tasks[0]).toMatchObject({ taskId: own.at(-1), status: "working", ttl: expect.any(Number) });
    const { result } = await request("tasks/list", { cursor: first.nextCursor });
    expect(result).toMatchObject({ tasks: [{ taskId: own[0] }] });
    expect(result).not.toHaveProperty("nextCursor");
    expect((await request("tasks/list", { cursor: "nonsense" })).error).toMatchObject({ code: -32602 });
  });

  test("give their result once they have ended, with the task that it is of", async () => {
    const { ports, request } = open("legacy");
    const taskId = await stored(ports, { status: "succeeded", result: { output: "done" } });
    const { result: plain } = await request("tools/call", { name: "get_task_result", arguments: { task_id: taskId } });
    const { result } = await request("tasks/result", { taskId });
    expect(result).toEqual({ ...plain, _meta: { [RELATED]: { taskId } } });
    const broken = await stored(ports, failed("task.exit_code"));
    expect((await request("tasks/result", { taskId: broken })).result).toMatchObject({
      isError: true,
      structuredContent: { status: "failed", error: { code: "task.exit_code" } },
    });
    const lost = await stored(ports, failed("worker.lost"));
    expect((await request("tasks/result", { taskId: lost })).error).toMatchObject({
      code: -32603,
      data: { taskId: lost, status: "failed" },
    });
    const cancelled = await stored(ports, { status: "cancelled", result: { output: "half" } });
    expect((await request("tasks/result", { taskId: cancelled })).result).toMatchObject({
      isError: true,
      structuredContent: { status: "cancelled", result: { output: "half" } },
    });
  });

  test("are waited for, and one that goes on for longer than clients wait is an error that says how to go on", async () => {
    let nowMs = 0;
    // Each look at the clock is half a minute later.
    const ports = openPorts({ steady: () => (nowMs += 30_000) });
    const { request } = open("legacy", { ports });
    const taskId = await stored(ports);
    const { error } = await request("tasks/result", { taskId });
    expect(error).toMatchObject({
      code: -32001,
      message: expect.stringMatching(/tasks\/get/),
      data: { task: { taskId, status: "working", pollInterval: expect.any(Number) } },
    });
  });

  test("that ask go on working for their clients, and say what they ask and how to answer", async () => {
    const { ports, request } = open("legacy");
    const inputRequests = inputRequestsOf({ colour: "Which colour?" });
    const taskId = await stored(ports, { status: "input_required", inputRequests });
    expect((await request("tasks/get", { taskId })).result).toMatchObject({
      status: "working",
      statusMessage: expect.stringMatching(/^input_required: .*Which colour\?.*; answer with send_task_input$/),
    });
  });

  test("are cancelled before they say so; one that has ended is not", async () => {
    const { ports, request } = open("legacy");
    const queued = await stored(ports);
    expect((await request("tasks/cancel", { taskId: queued })).result).toMatchObject({ status: "cancelled" });
    const ended = await stored(ports, { status: "succeeded" });
    for (const taskId of [queued, ended])
      expect((await request("tasks/cancel", { taskId })).error).toMatchObject({
        code: -32602,
        message: expect.stringMatching(/^task\.terminal: /),
      });
  });

  test.each([
    ["task.exit_code", "failed"],
    ["worker.lost", "failed"],
  ] as const)("that failed, %s, are %s", async (code, status) => {
    const { ports, request } = open("legacy");
    const taskId = await stored(ports, failed(code));
    expect((await request("tasks/get", { taskId })).result).toMatchObject({
      status,
      statusMessage: `failed: ${code}: it broke`,
    });
  });

  test.each(["tasks/get", "tasks/result", "tasks/cancel"])("are nobody else's: %s finds none", async (method) => {
    const { ports, request } = open("legacy");
    const theirs = await stored(ports, { owner: "somebody else", status: "running" });
    for (const taskId of [theirs, UNKNOWN, "not a task"])
      expect((await request(method, { taskId })).error).toMatchObject({ code: -32602 });
    expect(await new TaskService(ports, "somebody else").status({ task_id: theirs })).toMatchObject({
      status: "running",
    });
  });
});
