import { describe, expect, test } from "vitest";
import { tools } from "../../lambdas/mcp/tools/index.ts";
import { RefusedError } from "../../lib/domain/errors.ts";
import type { Ports } from "../../lib/domain/ports.ts";
import { makeTask } from "../contract/make-task.ts";
import { bareCaller, problemOf } from "./clients.ts";
import { adapters, idleAdapter, openPorts } from "./ports.ts";

const open = (ports = openPorts()) => ({ ports, ...bareCaller({ ports, ownerOf: () => "me" }) });
const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

test("the list of tools stays small", () => {
  const listed = tools.map(({ call: _, ...tool }) => tool);
  const withoutOutput = listed.map(({ outputSchema: _, ...tool }) => tool);
  const tokens = (value: unknown) => Math.ceil(JSON.stringify(value).length / 4);
  expect(tokens({ tools: withoutOutput })).toBeLessThan(2900);
  expect(tokens({ tools: listed })).toBeLessThan(4300);
});

describe("the door", () => {
  test.each(["GET", "DELETE", "PUT"])("answers %s with 405", async (method) => {
    const response = await open().fetch(new Request("http://127.0.0.1/mcp", { method }));
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", error: { code: -32000 }, id: null });
  });

  test("answers an older client with JSON", async () => {
    const response = await open().post(list);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ id: 1, result: { tools: expect.any(Array) } });
  });

  test("answers a wait that asks for progress with a stream", async () => {
    const { ports, post } = open();
    const task = makeTask({ owner: "me", status: "succeeded" });
    await ports.store.create(task);
    const params = { name: "wait_for_task", arguments: { task_id: task.id }, _meta: { progressToken: 7 } };
    const response = await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(await response.text()).toContain(`"id\\":\\"${task.id}`);
  });

  test.each([
    ["2025-11-25", {}],
    ["2025-11-25", { progressToken: 1 }],
    ["2026-07-28", {}],
  ])("stops waiting when the caller on %s has gone, %j", async (revision, meta) => {
    const ports = openPorts();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const store: Ports["store"] = {
      ...ports.store,
      async waitForChange(id, known, timeoutMs, signal) {
        begun.resolve();
        await ports.store.waitForChange(id, known, timeoutMs, signal);
        if (signal?.aborted) ended.resolve();
      },
    };
    const task = makeTask({ owner: "me", status: "queued" });
    await ports.store.create(task);
    const gone = new AbortController();
    const modern = {
      "io.modelcontextprotocol/protocolVersion": revision,
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const _meta = revision === "2026-07-28" ? modern : meta;
    const params = { name: "wait_for_task", arguments: { task_id: task.id, timeout_seconds: 45 }, _meta };
    const { fetch } = bareCaller({ ports: { ...ports, store }, ownerOf: () => "me" });
    const answer = fetch(
      new Request("http://127.0.0.1/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": revision,
          "mcp-method": "tools/call",
          "mcp-name": "wait_for_task",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
        signal: gone.signal,
      }),
    );
    await begun.promise;
    gone.abort();
    await ended.promise;
    // A stream had begun; everything else is answered to nobody
    expect([200, 499]).toContain((await answer).status);
  });

  test.each([
    ["not JSON", "{", 400, -32700],
    ["a batch", `[${list}]`, 400, -32600],
    ["a number", "7", 400, -32600],
    ["too long", `{"jsonrpc":"2.0","x":"${"a".repeat(4 * 1024 * 1024)}"}`, 413, -32000],
    [
      "a params tower",
      `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${"[".repeat(9999)}${"]".repeat(9999)}}`,
      400,
      -32600,
    ],
  ])("refuses what is %s", async (_what, body, status, code) => {
    const response = await open().post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", error: { code, message: expect.any(String) } });
  });

  test("refuses a caller that is nobody", async () => {
    const ports = openPorts();
    const { post } = bareCaller({
      ports,
      ownerOf: () => {
        throw new RefusedError("owner.unknown", "this caller is not known");
      },
    });
    const response = await post(list);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { message: "this caller is not known" } });
  });

  test("never lets an internal text out, and logs it", async () => {
    const check = async () => {
      throw new Error("the secret is 4711");
    };
    const { ports, call } = open(openPorts({ backends: { ...adapters, "local-process": idleAdapter({ check }) } }));
    expect(problemOf(await call("check_cloud_agent_runtime", {}))).toEqual({
      code: "platform.internal",
      message: "an internal error; the log of the endpoint has the details",
      retryable: true,
    });
    expect(ports.logged.join()).toContain("the secret is 4711");
  });
});
