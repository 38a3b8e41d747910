import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { callTool, type Progress } from "../../../lib/client/http/call-tool.ts";
import { openDoor } from "../../../lib/client/http/open-door.ts";
import { serverVersion } from "../../../lib/client/http/server-version.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { createMcp } from "../../../lib/mcp/server.ts";
import { openHttp } from "../../../lib/system/local/http.ts";
import { type Cut, cuts, startCuttingProxy } from "../../emulators/cutting-proxy.ts";
import { command } from "../../mcp/clients.ts";
import { openPorts } from "../../mcp/ports.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

/** A door that leads through a network which does that to the first requests. */
async function throughCuts(plan: Cut[]) {
  const { gateway, ports } = await gatewayBefore();
  const proxy = await startCuttingProxy(gateway.url, { plan });
  onTestFinished(() => proxy.close());
  return { door: doorTo({ endpoint: proxy.url }, envOf(gateway.admit())), gateway, proxy, ports };
}

const idOf = (answer: { structuredContent?: unknown }) => (answer.structuredContent as { taskId: string }).taskId;

describe("a network that breaks", () => {
  test.each(cuts)("%s: a dispatch makes one task, and its answer comes", async (cut) => {
    const { door, proxy, ports } = await throughCuts([cut, cut]);
    const taskId = idOf(await callTool(door, "dispatch_task", command()));
    expect(ports.starts).toEqual([expect.stringContaining(taskId)]);
    expect((await ports.store.list("me", { limit: 10 })).items).toHaveLength(1);
    expect(proxy.happened[cut]).toBeGreaterThanOrEqual(cut === "none" || cut === "delay" ? 1 : 2);
  });

  test.each<Cut>(["cut-after", "502-after", "mid-stream"])(
    "%s: a call that may not be made twice is not, and says that it may have been carried out",
    async (cut) => {
      const { door, gateway } = await throughCuts([cut]);
      const error = callTool(door, "a2a_send", { task_id: `task_${"0".repeat(32)}`, text: "go on" });
      await expect(error).rejects.toMatchObject({ code: "endpoint.answer_lost", retryable: false });
      expect(gateway.passed()).toBe(1);
    },
  );

  test.each<Cut>(["cut-after", "502-after", "mid-stream"])(
    "%s: a dispatch that is given up names its key, with which it can be made again",
    async (cut) => {
      const { door, ports } = await throughCuts([cut, ...Array<Cut>(50).fill("cut-before")]);
      const idempotencyKey = "mine";
      const error = callTool(door, "dispatch_task", command({ idempotency_key: idempotencyKey }), { patienceMs: 700 });
      await expect(error).rejects.toMatchObject({
        code: "endpoint.answer_lost",
        retryable: false,
        details: { idempotencyKey },
        hint: expect.stringMatching(/list_tasks .* idempotency_key: mine$/),
      });
      expect((await ports.store.list("me", { limit: 10 })).items).toHaveLength(1);
    },
  );

  test("a call that keeps failing ends with an error that says so", async () => {
    const { door } = await throughCuts(Array(50).fill("cut-before"));
    await expect(callTool(door, "list_tasks", {}, { patienceMs: 700 })).rejects.toMatchObject({
      code: "endpoint.unreachable",
      retryable: true,
      hint: expect.stringContaining("network"),
    });
  });
});

describe("a call", () => {
  test("tells its progress while it waits, and gives a result in the end", async () => {
    const { gateway, ports } = await gatewayBefore();
    const door = doorTo({ endpoint: gateway.url }, envOf(gateway.admit()));
    const taskId = idOf(await callTool(door, "dispatch_task", command()));
    const told: Progress[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const wait = callTool(
      door,
      "wait_for_task",
      { task_id: taskId, timeout_seconds: 4 },
      {
        onProgress(progress) {
          told.push(progress);
          begin();
        },
      },
    );
    let sequence = 0;
    const change = () =>
      ports.store.change(taskId, (task) => ({
        ...task,
        progress: { sequence: ++sequence, timestamp: new Date().toISOString() },
      }));
    const changing = setInterval(() => void change(), 50);
    await begun;
    clearInterval(changing);
    expect(await wait).toMatchObject({ structuredContent: { id: taskId, status: "provisioning" } });
    expect(told[0]).toMatchObject({ progress: expect.any(Number), message: expect.any(String) });
  });

  test("that is given up is given up at the endpoint too", async () => {
    const { gateway, ports } = await gatewayBefore();
    const door = doorTo({ endpoint: gateway.url }, envOf(gateway.admit()));
    const taskId = idOf(await callTool(door, "dispatch_task", command()));
    const giving = new AbortController();
    const wait = callTool(door, "wait_for_task", { task_id: taskId, timeout_seconds: 45 }, { signal: giving.signal });
    wait.catch(() => {});
    await expect.poll(() => gateway.open()).toBe(1);
    giving.abort();
    await expect(wait).rejects.toMatchObject({ code: "endpoint.closed" });
    await expect.poll(() => gateway.open()).toBe(0);
    expect(ports.logged).toEqual([]);
  });

  test("whose tool answers with an error gives that answer", async () => {
    const { gateway } = await gatewayBefore();
    const door = doorTo({ endpoint: gateway.url }, envOf(gateway.admit()));
    const answer = await callTool(door, "get_task_status", { task_id: `task_${"0".repeat(32)}` });
    expect(answer).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("task.not_found") }] });
  });

  test("of a tool that the endpoint does not have is refused in the endpoint's words", async () => {
    const { gateway } = await gatewayBefore();
    const door = doorTo({ endpoint: gateway.url }, envOf(gateway.admit()));
    await expect(callTool(door, "list_agents", {})).rejects.toMatchObject({
      code: "endpoint.failed",
      message: expect.stringContaining('Unknown tool "list_agents"'),
      hint: expect.stringContaining("of another version"),
    });
  });

  test("goes to the local system with its token, and finds it again when that has another", async () => {
    const ports = openPorts();
    const mcp = createMcp({ tasksOf: ({ owner }) => new TaskService(ports, owner), log: ports.log });
    const open = async (token: string) => {
      const served = (request: Request) => mcp.fetch(request, { owner: "local" });
      const system = await openHttp({ token, mcp: served, artifacts: async () => new Response() }, 0);
      onTestFinished(() => system.close());
      return { ...system, token };
    };
    let system = await open("one");
    const door = openDoor({ local: {} }, { findLocal: async () => system });
    await callTool(door, "list_providers", {});
    await system.close();
    system = await open("two");
    expect(await callTool(door, "list_providers", {})).toMatchObject({
      structuredContent: { items: ["aws", "local"] },
    });
  });

  test("a hundred at once each get their own answer", async () => {
    const { door } = await throughCuts(["cut-before", "mid-stream", "502-after", "delay"]);
    const ids = Array.from({ length: 100 }, (_, at) => `task_${String(at).padStart(32, "0")}`);
    const answers = await Promise.all(ids.map((id) => callTool(door, "get_task_status", { task_id: id })));
    expect(answers.map(({ content }) => /task_\d{32}/.exec(JSON.stringify(content))?.[0])).toEqual(ids);
  });
});

describe("an answer of something else", () => {
  /** A door to whatever answers every request with status 200 and that text, of which so many bytes are promised. */
  async function answering(text: string, length = Buffer.byteLength(text)) {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json", "content-length": length });
      response.write(text, () => text.length < length && response.destroy());
      if (text.length === length) response.end();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    return openDoor({ local: {} }, { findLocal: async () => ({ url, token: "t" }) });
  }

  test("an error without an id is the answer, told in its words", async () => {
    const door = await answering('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}');
    await expect(callTool(door, "list_tasks", {}, { patienceMs: 300 })).rejects.toMatchObject({
      code: "endpoint.failed",
      message: "the endpoint refused the call: Parse error",
    });
  });

  test("is told by who asks for a version too, whether it cannot be read or breaks off", async () => {
    await expect(serverVersion(await answering("<html>"))).rejects.toMatchObject({ code: "endpoint.failed" });
    await expect(serverVersion(await answering('{"jsonrpc"', 100))).rejects.toMatchObject({
      code: "endpoint.answer_lost",
    });
  });
});
