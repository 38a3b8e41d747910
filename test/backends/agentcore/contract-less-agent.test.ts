/** What the answer of an agent that knows no contract means. */
import { Readable } from "node:stream";
import { InvokeAgentRuntimeCommand } from "@aws-sdk/client-bedrock-agentcore";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Call } from "../../../lib/backends/adapter.ts";
import type { Clients } from "../../../lib/backends/agentcore/account/clients.ts";
import { askAgent } from "../../../lib/backends/agentcore/contract-less/agent.ts";
import type { ContractLessCall } from "../../../lib/backends/agentcore/contract-less/call.ts";
import { toProblem } from "../../../lib/contract/errors.ts";
import { jobTypeOf, type Protocol } from "../../../lib/contract/kinds.ts";
import type { Json, Task } from "../../../lib/contract/task.ts";
import { isOver } from "../../../lib/engine/invocation-gate.ts";
import { makeTask } from "../../contract/make-task.ts";

/** Asks an agent that streams these pieces. */
async function ask(contentType: string, pieces: Iterable<string>) {
  const logged: string[] = [];
  const response = Readable.from(pieces, { objectMode: false });
  const dataPlane = async () => ({
    once: { send: async () => ({ response, contentType }) },
    InvokeAgentRuntimeCommand,
  });
  const end = await askAgent({
    ...callOf(dataPlane, { mode: "session" }),
    log: (text) => logged.push(text),
  });
  return { end, logged };
}

function callOf(dataPlane: unknown, target: Task["target"]): ContractLessCall {
  const task = makeTask({ taskType: "agent.run", target, session: session() });
  const { taskType, input, limits } = task;
  return {
    clients: { dataPlane } as Clients,
    task,
    runtime: {
      arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/agent-1",
      id: "agent-1",
      region: "us-west-2",
      partition: "aws",
      account: "123456789012",
    },
    job: { taskId: task.id, taskType: jobTypeOf(taskType), input, limits, depth: 0 },
    maxSeconds: 840,
    signal: new AbortController().signal,
    log: () => {},
    ask: async () => undefined,
    isTooEarly: () => false,
  };
}

/** Asks an agent that answers each message so; what is thrown is told as a caller reads it. */
async function askEach(
  protocol: Protocol,
  answer: (message: { id?: unknown; method: string; params?: Json }) => Reply,
  { signal = new AbortController().signal, ask = async () => undefined }: Partial<Pick<Call, "signal" | "ask">> = {},
) {
  const send = async ({ input }: InvokeAgentRuntimeCommand) => {
    const { error, stream, json, text } = answer(JSON.parse(new TextDecoder().decode(input.payload as Uint8Array)));
    if (error) throw error;
    if (stream) return { response: stream, contentType: sse, statusCode: 200 };
    const body = text ?? JSON.stringify(json);
    if (body === undefined) return { statusCode: 202 };
    return { response: Readable.from([body], { objectMode: false }), contentType: "application/json", statusCode: 200 };
  };
  const dataPlane = async () => ({ once: { send }, InvokeAgentRuntimeCommand });
  return askAgent({ ...callOf(dataPlane, { mode: "session", protocol }), signal, ask }).catch((error) => ({
    error: toProblem(error),
    isOver: isOver(error),
  }));
}

type Reply = { json?: unknown; text?: string; stream?: Readable; error?: Error };

const session = () => ({ id: "x".repeat(36), state: "open" as const, inFlight: {} });
const rpcError = { jsonrpc: "2.0", id: "1", error: { code: -32_603, message: "no model" } };
const sse = "text/event-stream";

describe("an agent's answer", () => {
  it.each([
    ["application/json", (text: string) => [text]],
    [sse, (text: string) => ['data: {"step":1}\n\n', `data: ${text}\n\n`]],
  ])("as %s that reports a failure is one", async (contentType, written) => {
    for (const [said, reason] of [
      [rpcError, "no model"],
      [{ ok: false, error: "no tool" }, "no tool"],
    ] as const)
      expect((await ask(contentType, written(JSON.stringify(said)))).end).toEqual({
        result: said,
        error: { code: "task.agent_failed", message: `the agent failed: ${reason}`, retryable: false },
      });
    expect((await ask(contentType, written('{"ok":true}'))).end).toEqual({ result: { ok: true } });
  });

  const json = (...values: unknown[]) => values.map((value) => `data: ${JSON.stringify(value)}\n\n`);
  const failed = (reason: string) => ({
    code: "task.agent_failed",
    message: `the agent failed: ${reason}`,
    retryable: false,
  });

  it.each([
    [
      "text as JSON, as Python's bedrock-agentcore sends it",
      json("Hello ", "42 ", "", "world"),
      { result: "Hello 42 world" },
    ],
    ["text as it is, as npm's does", ["data: Hello\n\n", "data: 42\n\n", 'data: "x"\n\n'], { result: 'Hello42"x"' }],
    [
      "text of which pieces read as JSON",
      ["const a = ", "{}", "; return a", '{"error": "x"}', " done"].map((piece) => `data: ${piece}\n\n`),
      { result: 'const a = {}; return a{"error": "x"} done' },
    ],
    [
      "text that such a piece ends",
      ["const a = ", "{}"].map((piece) => `data: ${piece}\n\n`),
      { result: "const a = {}" },
    ],
    ["text as JSON with a value between", json("Hel", { init: true }, "lo"), { result: "Hello" }],
    ["values", json(1, { a: 1 }, { b: 2 }), { result: { b: 2 } }],
    ["numbers", json(1, 2), { result: 2 }],
    [
      "what Strands for Python passes on of a model",
      json(
        { init_event_loop: true },
        { event: { contentBlockDelta: { delta: { text: "It is" } } } },
        { event: { contentBlockDelta: { delta: { text: " 42." } } } },
        { event: { messageStop: { stopReason: "end_turn" } } },
      ),
      { result: "It is 42." },
    ],
    [
      "what Strands for TypeScript streams",
      json(
        { type: "modelStreamUpdateEvent", event: { delta: { type: "textDelta", text: "It is" } } },
        { type: "modelStreamUpdateEvent", event: { delta: { type: "textDelta", text: " 42." } } },
        { type: "agentResultEvent" },
      ),
      { result: "It is 42." },
    ],
    ["text of a model's API, with its sentinel", [...json("a", "b"), "data: [DONE]\n\n"], { result: "ab" }],
    [
      "a throw of Python's bedrock-agentcore",
      json("half", { error: "no model", error_type: "ValueError", message: "An error occurred during streaming" }),
      { result: "half", error: failed("no model") },
    ],
    [
      "a throw of npm's",
      ["data: half\n\n", 'event: error\ndata: {"error":"no tool"}\n\n'],
      { result: "half", error: failed("no tool") },
    ],
    ["an error that was not the end", json({ error: "a retry", error_type: "X" }, "done"), { result: "done" }],
    [
      "an AG-UI run by plain HTTP that fails",
      json({ type: "RUN_STARTED" }, { type: "RUN_ERROR", message: "out of tokens" }),
      { error: failed("out of tokens") },
    ],
    [
      "an AG-UI run that is cut",
      json({ type: "RUN_STARTED" }, { type: "TEXT_MESSAGE_CONTENT", delta: "ha" }),
      { result: "ha", error: expect.objectContaining({ message: expect.stringContaining("RUN_FINISHED") }) },
    ],
  ])("that streams %s ends so", async (_what, pieces, expected) => {
    expect((await ask(sse, pieces)).end).toEqual(expected);
  });

  it.each([
    ["application/json", '{"error":"no prompt"}', { result: { error: "no prompt" }, error: failed("no prompt") }],
    ["application/json", '{"error":null,"answer":1}', { result: { error: null, answer: 1 } }],
    ["application/json", '{"error":"handled","answer":1}', { result: { error: "handled", answer: 1 } }],
    ["text/plain", "It is 42.", { result: "It is 42." }],
  ])("of %s %s ends so", async (contentType, text, expected) => {
    expect((await ask(contentType, [text])).end).toEqual(expected);
  });

  it.each([[[]], [[": ping\n\n"]]])("that streams no event is a failure: %j", async (pieces) => {
    expect((await ask(sse, pieces)).end).toMatchObject({ error: { code: "worker.contract_broken" } });
  });

  it.each(["\n", "\r\n"])("is read event by event, wherever the stream is cut; lines end with %j", async (end) => {
    const text = ["data: one", "data: more", "", "event: x", "data: 二", "", "", 'data: {"last":1}'].join(end);
    for (const length of [1, 2, 3, 5, 1000]) {
      const pieces = text.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
      expect(await ask(sse, pieces)).toEqual({
        end: { result: 'one\nmore二{"last":1}' },
        logged: ["one\nmore\n", "二\n", '{"last":1}\n'],
      });
    }
  });

  it("is not kept without bounds when an event never ends", async () => {
    let given = 0;
    function* endless() {
      for (;;) {
        given += 64 * 1024;
        yield "x".repeat(64 * 1024);
      }
    }
    await expect(ask(sse, endless())).rejects.toMatchObject({ code: "worker.contract_broken" });
    expect(given).toBeLessThan(20 * 1024 * 1024);
  });

  it("is read in time when an event comes in many pieces", async () => {
    const startedAt = performance.now();
    const pieces = Array.from({ length: 30_000 }, () => "x".repeat(256));
    const { end } = await ask(sse, ["data: ", ...pieces, "\n\n"]);
    expect(end).toEqual({ result: "x".repeat(30_000 * 256) });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

const mayHaveRun = (code: string, message: string) => ({
  code,
  message: expect.stringContaining(message),
  retryable: false,
  hint: expect.stringContaining("may have run"),
});

describe("a call of an MCP server", () => {
  const tools = [{ name: "go", inputSchema: { type: "object", properties: { prompt: { type: "string" } } } }];
  const results: Record<string, unknown> = {
    initialize: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } },
    "tools/list": { tools },
  };
  /** Asks a server whose tool answers so, the id of the request given. */
  const callTool = (answer: (id: unknown) => Reply) =>
    askEach("mcp", ({ id, method }) => {
      if (method === "tools/call") return answer(id);
      return id === undefined ? {} : { json: { jsonrpc: "2.0", id, result: results[method] } };
    });
  const event = (value: unknown) => `event: message\nid: 1\ndata: ${JSON.stringify(value)}\n\n`;
  const progress = event({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "x" } });
  const answered = (id: unknown) => ({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "done" }] } });

  it("that it answers with an error has failed with what it says", async () => {
    const error = { code: -32_603, message: "tool exploded: no API key" };
    const ended = { error: expect.objectContaining({ code: "task.agent_failed", retryable: false }) };
    expect(await callTool((id) => ({ json: { jsonrpc: "2.0", id, error } }))).toEqual(ended);
    const streamed = (id: unknown) => ({
      stream: Readable.from([event({ jsonrpc: "2.0", id, error })], { objectMode: false }),
    });
    expect((await callTool(streamed)).error?.message).toContain("no API key");
  });

  it.each([
    ["is no result", (id: unknown) => ({ json: { jsonrpc: "2.0", id, result: { content: 5 } } })],
    ["is no JSON-RPC", () => ({ json: { hello: 1 } })],
    ["is text", () => ({ text: "hello" })],
  ])("whose answer %s may have run", async (_what, answer) => {
    expect((await callTool(answer)).error).toEqual(mayHaveRun("worker.lost", "could not be read"));
  });

  it.each([
    ["stream ends", () => ({ stream: Readable.from([progress], { objectMode: false }) })],
    ["stream is empty", () => ({ stream: Readable.from([], { objectMode: false }) })],
    ["answer is that of another", () => ({ json: answered(4242) })],
    ["answer is that it was taken", () => ({})],
  ])("whose %s has no answer, and nobody waits for one", async (_what, answer) => {
    expect(await callTool(answer)).toEqual({
      error: mayHaveRun("worker.contract_broken", "without an answer"),
      isOver: true,
    });
  });

  it("whose stream is reset has an outcome that nobody knows", async () => {
    function* torn() {
      yield progress;
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    }
    const ended = await callTool(() => ({ stream: Readable.from(torn(), { objectMode: false }) }));
    expect(ended).toEqual({ error: mayHaveRun("worker.lost", "connection"), isOver: false });
  });

  it("whose stream ends with the answer has it, in whatever pieces it comes", async () => {
    for (const size of [1, 7, 1000]) {
      const pieces = (id: unknown) => (progress + event(answered(id))).match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const ended = await callTool((id) => ({ stream: Readable.from(pieces(id), { objectMode: false }) }));
      expect(ended).toMatchObject({ result: "done" });
    }
  });
});

describe("a call of an A2A agent", () => {
  const task = (state: string) => ({
    json: { jsonrpc: "2.0", id: "1", result: { id: "t", kind: "task", status: { state } } },
  });
  const said = (kind: string, update: Json) =>
    `data: ${JSON.stringify({ jsonrpc: "2.0", id: "1", result: { kind, taskId: "t", contextId: "c", ...update } })}\n\n`;
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const internal = Object.assign(new Error("HTTP 500"), { name: "RuntimeClientError" });
  afterEach(() => void vi.restoreAllMocks());

  it("that it answers with text may have run", async () => {
    expect((await askEach("a2a", () => ({ text: "hello there" }))).error).toEqual(
      mayHaveRun("worker.contract_broken", "not JSON"),
    );
  });

  const data = { kind: "data", data: { n: 1 } };
  it.each([
    ["data behind an empty text has the data", [{ kind: "text", text: "" }, data], { n: 1 }],
    ["text and data has the text", [{ kind: "text", text: "one" }, data], "one"],
    ["an empty text alone has that", [{ kind: "text", text: "" }], ""],
  ])("whose answer is %s", async (_what, parts, result) => {
    const message = { kind: "message", role: "agent", messageId: "m", parts };
    expect(await askEach("a2a", () => ({ json: { jsonrpc: "2.0", id: "1", result: message } }))).toMatchObject({
      result,
    });
  });

  it.each([
    [{ code: -32_601, message: "Method not found" }, ["message/stream", "message/send"]],
    [{ code: -32_004, message: "This operation is not supported" }, ["message/stream", "message/send"]],
    [
      { code: -32_004, message: "Method message/stream requires streaming capability." },
      ["message/stream", "message/send"],
    ],
    [{ code: -32_004, message: "Received artifactUpdate before initial 'Task' event." }, ["message/stream"]],
  ])("that refuses with %j is told its job again only where it has begun nothing", async (error, methods) => {
    const asked: string[] = [];
    const ended = await askEach("a2a", ({ method }) => {
      asked.push(method);
      return method === "message/stream" ? { json: { jsonrpc: "2.0", id: "1", error } } : task("completed");
    });
    expect(asked).toEqual(methods);
    expect(ended.error?.code).toBe(methods.length === 2 ? undefined : "task.agent_failed");
  });

  it.each([
    [
      "tells only what is new",
      [
        said("artifact-update", { artifact: { artifactId: "a", parts: [{ text: "blue" }] } }),
        said("status-update", { status: { state: "completed" } }),
      ],
    ],
    ["breaks off, and the task is looked at", []],
  ])("that was answered and %s goes on with what it had", async (_what, events) => {
    const first = { id: "t", contextId: "c", kind: "task", status: { state: "input-required" }, artifacts: [] };
    const told: unknown[] = [];
    const ended = await askEach(
      "a2a",
      ({ method, params = {} }) => {
        if (method === "tasks/get") {
          const artifacts = [{ artifactId: "a", parts: [{ text: "blue" }] }];
          return { json: { jsonrpc: "2.0", id: "1", result: { ...first, status: { state: "completed" }, artifacts } } };
        }
        told.push(params.message);
        if (told.length === 1) return { json: { jsonrpc: "2.0", id: "1", result: first } };
        return { stream: Readable.from(events, { objectMode: false }) };
      },
      { ask: async () => ({ question: "the blue one" }) },
    );
    expect(ended).toMatchObject({ result: "blue" });
    expect(told).toHaveLength(2);
    expect(told[0]).not.toHaveProperty("taskId");
    expect(told[1]).toMatchObject({ taskId: "t", contextId: "c", parts: [{ text: "the blue one" }] });
    const ids = told.map((each) => (each as { messageId: string }).messageId);
    expect(new Set(ids).size).toBe(2);
  });

  it("goes on when a look at its task fails", { timeout: 20_000 }, async () => {
    const answers: Reply[] = [
      task("working"),
      { error: refused },
      { error: internal },
      { text: "x" },
      task("completed"),
    ];
    const asked: string[] = [];
    const ended = await askEach("a2a", ({ method }) => {
      asked.push(method);
      return answers[asked.length - 1] as Reply;
    });
    expect(ended.error).toBeUndefined();
    expect(asked).toEqual(["message/stream", "tasks/get", "tasks/get", "tasks/get", "tasks/get"]);
  });

  it("is lost when looks have failed for a minute, and is not to be sent again", async () => {
    let failed = 0;
    // A minute passes with each look.
    const realNow = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => realNow() + failed * 60_000);
    const ended = await askEach("a2a", ({ method }) => {
      if (method === "message/stream") return task("working");
      failed += 1;
      return { error: refused };
    });
    expect(ended.error).toEqual(mayHaveRun("worker.lost", "ECONNREFUSED"));
    expect(failed).toBe(2);
  });

  it("is looked at no longer when nobody listens", async () => {
    const gone = new AbortController();
    const ended = await askEach(
      "a2a",
      ({ method }) => {
        if (method === "message/stream") return task("working");
        gone.abort();
        return { error: refused };
      },
      { signal: gone.signal },
    );
    expect(ended.error).toMatchObject({ code: "worker.lost", retryable: false });
  });
});

it("an answer that is too long has run all the same", async () => {
  const long = "x".repeat(17 * 1024 * 1024);
  expect((await askEach("http", () => ({ text: long }))).error).toEqual(
    mayHaveRun("worker.contract_broken", "too long"),
  );
  const pieces = Array.from({ length: 17 }, () => `data: ${"x".repeat(1024 * 1024)}\n\n`);
  expect((await askEach("http", () => ({ stream: Readable.from(pieces, { objectMode: false }) }))).error).toEqual(
    mayHaveRun("worker.contract_broken", "too long"),
  );
});
