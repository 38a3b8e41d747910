import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { inputRequestsOf } from "../../../lib/contract/input-requests.ts";
import { CONTRACT } from "../../../lib/contract/worker.ts";
import { startWorker, type TestWorker, until } from "../start-worker.ts";
import { scripted } from "./scripted.ts";

const env = { ...scripted, [environmentVariables.workerProtocol]: "mcp" };
type Said = { ok: boolean; status: string; output?: string; turn?: string; artifacts?: { name: string }[] };

async function connect(worker: TestWorker, pin: boolean) {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: pin ? { pin: "2026-07-28" } : "legacy" } },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", worker.url)));
  const run = async (args: Record<string, unknown>, options: Parameters<Client["callTool"]>[1] = {}) => {
    const {
      content,
      structuredContent,
      isError = false,
    } = await client.callTool({ name: "run", arguments: args }, options);
    return { content, isError, said: structuredContent as Said };
  };
  return { client, run };
}

describe.each([
  ["2026-07-28", true],
  ["2025", false],
])("a worker that speaks MCP with a client on %s", (_name, pin) => {
  test("has one tool, which tells its progress and answers with text, data and files", async () => {
    await using worker = await startWorker(env);
    const { client, run } = await connect(worker, pin);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["run"]);
    const told: unknown[] = [];
    const { content, said, isError } = await run(
      { prompt: "say I look; hello; leave notes.txt", context: { colour: "red" } },
      { onprogress: ({ message }) => told.push(message) },
    );
    expect(isError).toBe(false);
    expect(told).toEqual(["I look"]);
    expect(said).toMatchObject({ ok: true, output: "done: hello", result: { context: { colour: "red" } } });
    expect(said.artifacts).toEqual([{ name: "notes.txt", contentType: expect.stringMatching(/^text/), sizeBytes: 17 }]);
    expect(content[0]).toEqual({ type: "text", text: "done: hello" });
    expect(content[1]).toMatchObject({ type: "resource", resource: { blob: btoa("this is notes.txt") } });
    await until(async () => (await worker.ping()).status === "Healthy");
  });

  test("asks in its result, and goes on when it is called again with the answer", async () => {
    await using worker = await startWorker(env);
    const { run } = await connect(worker, pin);
    const { said, content } = await run({ prompt: "ask Which colour?" });
    expect(said).toMatchObject({
      ok: false,
      status: "input_required",
      inputRequests: inputRequestsOf({ choice: "Which colour?" }),
    });
    expect(JSON.stringify(content)).toContain("Which colour?");
    expect((await run({ prompt: "green", turn: said.turn })).said).toMatchObject({ ok: true, output: "done: green" });
  });

  test("says why an agent failed, and what it was asked wrongly", async () => {
    await using worker = await startWorker(env);
    const { run } = await connect(worker, pin);
    expect(await run({ prompt: "fail out of paper" })).toMatchObject({
      isError: true,
      said: { ok: false, status: "failed" },
    });
    expect(await run({ prompt: "hello", framework: "nobody" })).toMatchObject({
      isError: true,
      said: { error: { code: "task.framework_unknown" } },
    });
    expect(await run({ prompt: "hello", colour: "red" })).toMatchObject({ isError: true });
  });

  test("ends the turn of a client that cancels its call", async () => {
    await using worker = await startWorker(env);
    const { run } = await connect(worker, pin);
    const cancelled = new AbortController();
    const call = run(
      { prompt: "say begun; sleep 600000" },
      { signal: cancelled.signal, onprogress: () => cancelled.abort() },
    );
    await expect(call).rejects.toThrow();
    await until(async () => (await worker.ping()).status === "Healthy");
    expect((await run({ prompt: "hello" })).said.ok).toBe(true);
  });
});

test("the worker contract is understood at the path that AgentCore posts to, and what is no JSON-RPC is refused as such", async () => {
  await using worker = await startWorker(env);
  const post = async (body: string) => {
    const response = await fetch(new URL("/mcp", worker.url), { method: "POST", body });
    return { status: response.status, body: await response.json() };
  };
  expect(await post(JSON.stringify({ contract: CONTRACT, op: "hello" }))).toMatchObject({
    body: { bootId: expect.any(String) },
  });
  expect(await post("{")).toMatchObject({ status: 400, body: { jsonrpc: "2.0", error: { code: -32_700 } } });
  expect(await post("{}")).toMatchObject({
    status: 400,
    body: { jsonrpc: "2.0", error: { code: expect.any(Number) } },
  });
  expect((await fetch(new URL("/mcp", worker.url))).status).toBe(405);
});
