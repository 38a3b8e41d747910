/** What the answer of an agent that knows no contract means. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Clients } from "../../lib/aws/agentcore/clients.ts";
import { askForeignAgent } from "../../lib/aws/agentcore/foreign-agent.ts";
import { makeTask } from "../contract/make-task.ts";

/** Asks an agent that streams these pieces. */
async function ask(contentType: string, pieces: Iterable<string>) {
  const logged: string[] = [];
  const response = Readable.from(pieces, { objectMode: false });
  class InvokeAgentRuntimeCommand {}
  const dataPlane = async () => ({
    once: { send: async () => ({ response, contentType }) },
    InvokeAgentRuntimeCommand,
  });
  const task = makeTask({ taskType: "agent.run", target: { mode: "session" }, session: session() });
  const { taskType, input, limits } = task;
  const end = await askForeignAgent({
    clients: { dataPlane } as unknown as Clients,
    task,
    runtime: {
      arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/agent-1",
      id: "agent-1",
      region: "us-west-2",
      partition: "aws",
      account: "123456789012",
    },
    job: { taskId: task.id, taskType, input, limits, depth: 0 },
    maxSeconds: 840,
    signal: new AbortController().signal,
    log: (text) => logged.push(text),
    isTooEarly: () => false,
  });
  return { end, logged };
}

const session = () => ({ id: "x".repeat(36), state: "open" as const, uses: {} });
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
        end: { result: { last: 1 } },
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
