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
