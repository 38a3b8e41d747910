/**
 * Agents that know nothing of the worker contract, made with the libraries that people make them with: what each answers
 * becomes a truthful end of its job.
 */
import type { ServerResponse } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import type { JobEnd } from "../../../lib/backends/adapter.ts";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { jobTypeOf, type Protocol } from "../../../lib/contract/kinds.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { makeTask } from "../../contract/make-task.ts";
import { Emulator } from "../../emulators/agentcore/emulator.ts";
import { askAsLocalIdentity } from "../../emulators/agentcore/system.ts";
import { type AgentName, startAgent } from "../../emulators/agents/start-agent.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";

askAsLocalIdentity();

const atEnds: (() => unknown)[] = [];
const atEnd = (end: () => unknown) => void atEnds.push(end);
let emulator: Emulator;
beforeAll(async () => {
  emulator = await new Emulator().listen();
  atEnd(() => emulator[Symbol.asyncDispose]());
  return async () => {
    for (const end of atEnds.reverse()) await end();
  };
});

type Asked = { prompt: string; context?: Json; protocol?: Protocol; details?: Json; answers?: Json[] };
type Answered = { end: JobEnd; log: string; questions: Json[] };

/** Has an agent do a job, as the step does that holds its call. */
async function ask(
  runtimeArn: string,
  { prompt, context, protocol, details = {}, answers = [] }: Asked,
): Promise<Answered> {
  const backend = agentCoreBackend({
    endpoint: emulator.endpoint,
    configuration: () => parseConfiguration({}),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    now: Date.now,
    holdSeconds: 60,
  });
  const task = makeTask({
    provider: "aws",
    backend: "aws-agentcore",
    taskType: "agent.run",
    input: { instruction: prompt },
    target: { mode: "session", ...(protocol && { protocol }), details: { runtimeArn, ...details } },
  });
  const made = await backend.provision(task);
  const { taskType, input, limits } = task;
  const job = {
    taskId: task.id,
    taskType: jobTypeOf(taskType),
    input,
    prompt,
    limits,
    depth: 0,
    ...(context && { context }),
  };
  let log = "";
  const questions: Json[] = [];
  const call = {
    signal: AbortSignal.timeout(20_000),
    log: (text: string) => {
      log += text;
    },
    ask: async (requests: Json) => {
      questions.push(requests);
      return answers.shift();
    },
  };
  const end = await backend.synchronous?.call({ ...task, ...made }, job, call).catch((error) => ({
    error: error.problem,
  }));
  return { end: end ?? {}, log, questions };
}

/** The ARN of a runtime that runs the agent. */
async function deploy(name: AgentName, serverProtocol: string, env: Record<string, string> = {}): Promise<string> {
  return emulator.deploy(name.replaceAll("-", "_"), {
    serverProtocol,
    contractLess: await startAgent(name, { env, atEnd }),
  });
}

const failure = (code: string, message: string, more: Json = {}) =>
  expect.objectContaining({ code, message: expect.stringContaining(message), retryable: false, ...more });

describe("an agent made with npm's bedrock-agentcore", () => {
  let arn: string;
  beforeAll(async () => {
    arn = await deploy("bedrock-agentcore", "HTTP");
  });

  test("answers with JSON, which is the result", async () => {
    expect((await ask(arn, { prompt: "hello" })).end).toEqual({ result: { answer: "hello" } });
  });

  test("streams text, and all of it is the result", async () => {
    const { end, log } = await ask(arn, { prompt: "stream" });
    expect(end).toEqual({ result: "Hello 42\nworld 二" });
    expect(log).toBe("Hello\n \n42\n\nworld\n 二\n");
  });

  test("streams text of which a piece reads as an object, and all of it is the result", async () => {
    expect((await ask(arn, { prompt: "stream code" })).end).toEqual({ result: "const a = {}; return a done" });
  });

  test("streams objects, and the last is the result", async () => {
    expect((await ask(arn, { prompt: "stream objects" })).end).toEqual({ result: { done: true } });
  });

  test("throws in its stream, and the job has failed; the text so far is kept", async () => {
    expect((await ask(arn, { prompt: "stream, then throw" })).end).toEqual({
      result: "Hello 42\nworld 二",
      error: failure("task.agent_failed", "the model is gone"),
    });
  });

  test("throws before it answers: HTTP 500, and the job may have run", async () => {
    expect((await ask(arn, { prompt: "throw" })).end).toEqual({
      error: failure("worker.failed", "Received error (500) from runtime", {
        hint: expect.stringContaining("the job may have run"),
      }),
    });
  });

  test("is called by what it speaks, whatever is configured", async () => {
    expect((await ask(arn, { prompt: "hello", protocol: "a2a" })).end).toEqual({ result: { answer: "hello" } });
  });
});

describe("an A2A agent", () => {
  let arn: string;
  beforeAll(async () => {
    arn = await deploy("a2a", "A2A");
  });

  test("answers, and the text is the result; the envelope is kept", async () => {
    const { end, log } = await ask(arn, { prompt: "go", protocol: "a2a" });
    expect(log).toBe("Hello world\n");
    expect(end).toMatchObject({
      result: "Hello world",
      files: [{ name: "result.txt", content: Buffer.from("Hello world") }],
      envelope: { jsonrpc: "2.0", result: { kind: "task", status: { state: "completed" } } },
    });
    expect(end.error).toBeUndefined();
  });

  test("answers with a message instead of a task", async () => {
    expect((await ask(arn, { prompt: "state MESSAGE" })).end).toMatchObject({
      result: "a direct answer",
      envelope: { result: { kind: "message" } },
    });
  });

  test.each([
    ["FAILED saying no model", "task.agent_failed", "no model", {}],
    ["REJECTED saying not my job", "task.agent_rejected", "not my job", {}],
    ["CANCELED", "task.agent_cancelled", "cancelled", {}],
    ["AUTH_REQUIRED saying log in", "task.agent_auth_required", "log in", {}],
    ["INPUT_REQUIRED saying which one?", "task.agent_needs_input", "which one?", { hint: expect.any(String) }],
  ])("leaves its task %s, and the job has failed so", async (state, code, message, more) => {
    const { end } = await ask(arn, { prompt: `state ${state}` });
    expect(end).toMatchObject({ error: failure(code, message, more), envelope: { jsonrpc: "2.0" } });
  });

  test("asks, and goes on with the same task when it is answered, as often as it asks", async () => {
    const answers = [{ question: "ask when?" }, { question: "now" }];
    const { end, questions } = await ask(arn, { prompt: "ask which one?", answers });
    expect(questions).toEqual([{ question: { message: "which one?" } }, { question: { message: "when?" } }]);
    const { id, contextId } = (end.envelope as { result: { id: string; contextId: string } }).result;
    expect(end.error).toBeUndefined();
    expect(end.result).toBe(`so far; so far; heard ask when?, now in ${id} of ${contextId}`);
  });

  test("is told structured answers as JSON", async () => {
    const { end } = await ask(arn, { prompt: "ask which one?", answers: [{ colour: "blue" }] });
    expect(end.result).toContain('heard {"colour":"blue"} in');
  });

  test("asks, and nobody answers: the job has failed so, with what the agent had made", async () => {
    const { end, questions } = await ask(arn, { prompt: "ask which one?" });
    expect(questions).toHaveLength(1);
    expect(end).toMatchObject({
      result: "so far; ",
      error: failure("task.agent_needs_input", "which one?", { hint: expect.stringContaining("60 s") }),
      files: [{ name: "result.txt" }],
    });
  });

  test("throws", async () => {
    expect((await ask(arn, { prompt: "throw" })).end).toMatchObject({
      error: failure("task.agent_failed", "the planner is gone"),
    });
  });
});

describe("an AG-UI agent", () => {
  let arn: string;
  beforeAll(async () => {
    arn = await deploy("ag-ui", "AGUI");
  });

  test.each([
    ["go", { result: "I look it up.\n\nIt is 42." }],
    ["with a result", { result: { answer: 42 } }],
    ["error", { result: "I look it up.\n\nIt is 42.", error: failure("task.agent_failed", "out of tokens") }],
    ["interrupt", { error: failure("task.agent_needs_input", "May I?") }],
    ["break off", { error: failure("worker.contract_broken", "without RUN_FINISHED") }],
  ])("told to %s ends so", async (prompt, expected) => {
    expect((await ask(arn, { prompt })).end).toMatchObject(expected);
    if (!("error" in expected)) expect((await ask(arn, { prompt })).end.error).toBeUndefined();
  });
});

describe("an MCP server", () => {
  let one: string;
  let many: string;
  beforeAll(async () => {
    [one, many] = await Promise.all([deploy("mcp", "MCP"), deploy("mcp", "MCP", { TOOLS: "search,run" })]);
  });

  test("with one tool is called by it; its text is the result, its progress the log", async () => {
    const { end, log } = await ask(one, { prompt: "go" });
    expect(end).toMatchObject({ result: "run_task: go", envelope: { content: [{ type: "text" }] } });
    expect(log).toBe("half\n");
  });

  test("is given what else of the job its tool takes, and what it structures is the result", async () => {
    expect((await ask(one, { prompt: "go", context: { a: 1 } })).end).toMatchObject({
      result: { context: { a: 1 } },
      envelope: { content: [{ text: "run_task: go" }] },
    });
  });

  test("with several is called by the configured one, and not at all without", async () => {
    expect((await ask(many, { prompt: "go", details: { tool: "run" } })).end).toMatchObject({ result: "run: go" });
    expect((await ask(many, { prompt: "go" })).end).toEqual({
      error: failure("adapter.unsupported", "2 tools", { hint: expect.stringContaining("search, run") }),
    });
  });

  test("whose tool throws has failed", async () => {
    expect((await ask(one, { prompt: "throw" })).end).toMatchObject({
      error: failure("task.agent_failed", "the tool is gone"),
    });
  });

  test.each([
    ["ends", (response: ServerResponse) => response.end(), "worker.contract_broken"],
    ["is reset", (response: ServerResponse) => response.destroy(), "worker.lost"],
  ])("whose stream %s before the answer is given up at once", async (_how, end, code) => {
    const runtimeArn = emulator.deploy(`mcp_${code.replace(".", "_")}`, {
      serverProtocol: "MCP",
      contractLess: (body, response) => {
        const { id, method } = JSON.parse(String(body));
        if (id === undefined) return void response.writeHead(202).end();
        const tools = [{ name: "go", inputSchema: { type: "object", properties: { prompt: { type: "string" } } } }];
        const server = {
          protocolVersion: "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "s", version: "1" },
        };
        if (method !== "tools/call") {
          const result = method === "initialize" ? server : { tools };
          response.writeHead(200, { "content-type": "application/json" });
          return void response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
        }
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("id: 1\ndata:\n\n", () => end(response));
      },
    });
    expect((await ask(runtimeArn, { prompt: "go" })).end).toEqual({
      error: failure(code, "", { hint: expect.stringContaining("may have run") }),
    });
  });
});
