import { Tiktoken } from "js-tiktoken/lite";
import vocabulary from "js-tiktoken/ranks/o200k_base";
import { describe, expect, test } from "vitest";
import type { Toolset } from "../../lib/contract/kinds.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { instructions } from "../../lib/mcp/instructions.ts";
import { listed as listedTool } from "../../lib/mcp/listing.ts";
import { agentTools, tools } from "../../lib/mcp/tools/index.ts";
import { makeTask } from "../contract/make-task.ts";
import { bareCaller, problemOf } from "./clients.ts";
import { adapters, idleAdapter, openPorts } from "./ports.ts";

const open = (ports = openPorts()) => ({ ports, ...bareCaller({ ports }) });
const modern = (revision: string) => ({
  "io.modelcontextprotocol/protocolVersion": revision,
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
});
const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

const listed = tools.map(listedTool);
const encoder = new Tiktoken(vocabulary);
const tokensOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length;
/** What a client is shown unless the configuration says otherwise. */
const core = tools.filter(({ toolset }) => toolset === undefined);
const forAgents = tools.filter(({ toolset }) => toolset === "agents");

test("the list of tools stays below 3,200 tokens, schemas included", () => {
  expect(tokensOf({ tools: core.map(listedTool) })).toBeLessThan(3200);
});

test("those for agents take 1,800 more on one machine and 4,300 where agents are, and nothing elsewhere", async () => {
  const shown = agentTools.filter(({ toolset }) => toolset === undefined);
  expect(tokensOf({ tools: shown.map(listedTool) })).toBeLessThan(1800);
  expect(tokensOf({ tools: forAgents.map(listedTool) })).toBeLessThan(4300);
  const { result } = (await (await open().post(list)).json()) as { result: { tools: { name: string }[] } };
  expect(result.tools.map(({ name }) => name)).toEqual(core.map(({ name }) => name));
});

test("no schema makes a client refuse an error of ours, or a value of two types", () => {
  const all = [...listed, ...agentTools.map(listedTool)];
  for (const { outputSchema } of all) expect(keysIn(outputSchema)).not.toContain("required");
  for (const { inputSchema, outputSchema } of all)
    for (const type of valuesOf("type", [inputSchema, outputSchema])) expect(typeof type).toBe("string");
  // The one field of two types
  const spawn = listed.find(({ name }) => name === "spawn_cloud_agent");
  expect(spawn?.inputSchema.properties).toMatchObject({ model: { anyOf: [{ type: "string" }, { type: "object" }] } });
});

describe("a client that defers tools and searches for", () => {
  /** How well a text fits a search: the share of its words that the text has, each counted less the longer the text is. */
  const score = (query: string, texts: readonly string[]) => {
    const words = (text: string) =>
      text
        .toLowerCase()
        .split(/[^a-z]+/)
        .filter((word) => !["", "a", "an", "the", "in", "on", "to", "my"].includes(word));
    return texts.reduce((sum, text, weight) => {
      const has = new Set(words(text));
      return sum + words(query).filter((word) => has.has(word)).length / (weight + 1);
    }, 0);
  };
  const ranked = (query: string) =>
    core
      .map((tool) => {
        const { name, title, description, _meta } = listedTool(tool);
        const hint = _meta?.["anthropic/searchHint"] ?? "";
        return { name, score: score(query, [`${name.replaceAll("_", " ")} ${title} ${description} ${hint}`]) };
      })
      .sort((a, b) => b.score - a.score);

  test.each([
    "run a long job in the background",
    "long-running task on another machine",
    "background job",
    "delegate work to another agent",
    "run something in the cloud",
  ])("%j finds spawn_cloud_agent first", (query) => {
    const [first, second] = ranked(query);
    expect(first?.name).toBe("spawn_cloud_agent");
    expect(first?.score).toBeGreaterThan(0);
    // Beside it only what runs programs is as good
    if (second?.score === first?.score) expect(second?.name).toBe("dispatch_task");
  });

  test.each(["run a long job in the background", "long-running task on another machine"])(
    "%j finds the server by its instructions alone",
    (query) => {
      const [beginning = ""] = instructions.split(". ");
      for (const word of query.split(/[ -]/).filter((each) => each.length > 3))
        expect(beginning).toMatch(new RegExp(`\\b${word}`, "i"));
    },
  );
});

test("the instructions are short, and begin with what the server is for and when to use it", async () => {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const response = await open().post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
  const { result } = (await response.json()) as { result: { instructions: string } };
  expect(result.instructions).toBe(instructions);
  expect(instructions).toMatch(/^Runs long jobs in the background: .*on another machine, .*\. Use it for /);
  expect(instructions.split(/\s+/).length).toBeLessThan(200);
  // What Claude Code reads of it
  expect(instructions.length).toBeLessThan(2000);
});

describe("the toolset of the configuration", () => {
  const names = async (toolset: Toolset) => {
    const ports = openPorts();
    const { post, call } = bareCaller({ ports, toolset });
    const { result } = (await (await post(list)).json()) as { result: { tools: { name: string }[] } };
    return { shown: result.tools.map(({ name }) => name), call };
  };

  test("all lists every tool, and core those that hand over work", async () => {
    expect((await names("all")).shown).toEqual(tools.map(({ name }) => name));
    const { shown } = await names("core");
    expect(tools.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([
      "a2a_send",
      "list_sessions",
      "stop_all",
      "set_admission",
      "get_usage",
      "get_task_tree",
      ...forAgents.map(({ name }) => name),
    ]);
    expect((await names("agents")).shown).toEqual([...core, ...forAgents].map(({ name }) => name));
  });

  test("hides nothing from a call", async () => {
    const { call } = await names("core");
    const given = { task_id: `task_${"0".repeat(32)}`, text: "hello" };
    expect(problemOf(await call("a2a_send", given))).toMatchObject({ code: "task.not_found" });
  });
});

const keysIn = (value: unknown): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)])
    : [];
/** Every value that stands under a key as a keyword, and not as the name of a property. */
function valuesOf(key: string, schema: unknown): unknown[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, inner]) => {
    if (name === "properties") return Object.values(inner as Json).flatMap((property) => valuesOf(key, property));
    return [...(name === key ? [inner] : []), ...valuesOf(key, inner)];
  });
}

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
  ])("stops waiting when the caller on %s has gone, %j", { timeout: 30_000 }, async (revision, meta) => {
    const ports = openPorts();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const store: Ports["store"] = {
      ...ports.store,
      async waitForChange(id, known, timeoutMs, signal) {
        begun.resolve();
        await ports.store.waitForChange(id, known, timeoutMs, signal);
      },
    };
    const task = makeTask({ owner: "me", status: "queued" });
    await ports.store.create(task);
    const gone = new AbortController();
    const _meta = revision === "2026-07-28" ? modern(revision) : meta;
    const params = { name: "wait_for_task", arguments: { task_id: task.id, timeout_seconds: 45 }, _meta };
    const watched: Ports = {
      ...ports,
      store,
      // Read when the wait is over, to make the record of a task that nobody can be asked about
      get backends() {
        if (gone.signal.aborted) ended.resolve();
        return ports.backends;
      },
    };
    const { fetch } = bareCaller({ ports: watched });
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

  test.each(["*/*", "text/html;q=0.1, */*;q=0.8", undefined])("serves a caller that accepts %s", async (accept) => {
    for (const [revision, more] of [
      ["2025-11-25", {}],
      ["2026-07-28", { _meta: modern("2026-07-28") }],
    ] as const) {
      const headers = { "mcp-protocol-version": revision, "mcp-method": "tools/list", ...(accept && { accept }) };
      const request = new Request("http://127.0.0.1/mcp", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: more }),
      });
      const response = await open().fetch(request);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: 1, result: { tools: expect.any(Array) } });
    }
  });

  test("still turns away a caller that takes no JSON", async () => {
    expect((await open().post(list, { accept: "text/html" })).status).toBe(406);
  });

  test("does not know initialize on 2026-07-28, whatever comes with it", async () => {
    const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "initialize" };
    const params = { _meta: modern("2026-07-28") };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 3, method: "initialize", params });
    const response = await open().post(body, headers);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ id: 3, error: { code: -32601 } });
    const legacy = await open().post(JSON.stringify({ jsonrpc: "2.0", id: 3, method: "initialize", params: {} }));
    expect(legacy.status).toBe(400);
    expect(await legacy.json()).toMatchObject({ id: 3, error: { code: -32602 } });
  });

  describe("on 2025-03-26", () => {
    const noVersion = { "mcp-protocol-version": "2025-03-26" };
    const call = (id: number, name: string) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name } });
    const notice = { jsonrpc: "2.0", method: "notifications/initialized" };

    test("answers a batch, message by message", async () => {
      const { post } = open();
      const batch = [call(1, "list_providers"), notice, JSON.parse(list), call(3, "nothing"), 7];
      const response = await post(JSON.stringify(batch), noVersion);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toContain("application/json");
      expect(await response.json()).toEqual([
        expect.objectContaining({
          id: 1,
          result: expect.objectContaining({ structuredContent: { items: ["aws", "local"] } }),
        }),
        expect.objectContaining({ id: 1, result: { tools: expect.any(Array) } }),
        expect.objectContaining({ id: 3, error: expect.objectContaining({ code: -32602 }) }),
        expect.objectContaining({ id: null, error: expect.objectContaining({ code: -32600 }) }),
      ]);
    });

    test("keeps the arguments of each apart", async () => {
      const { post } = open();
      const ask = (id: number, provider: string) => ({
        jsonrpc: "2.0",
        id,
        method: "tools/call",
        params: { name: "list_capabilities", arguments: { provider } },
      });
      const answers = (await (
        await post(JSON.stringify([ask(1, "aws"), ask(2, "local")]), noVersion)
      ).json()) as Json[];
      expect(answers.map((answer) => (answer.result as Json).structuredContent)).toMatchObject([
        { items: [{ provider: "aws" }] },
        { items: [{ provider: "local" }] },
      ]);
    });

    test("has nothing to say to notifications", async () => {
      const response = await open().post(JSON.stringify([notice, notice]), noVersion);
      expect(response.status).toBe(202);
      expect(await response.text()).toBe("");
    });

    test.each([
      ["an empty one", []],
      ["a very long one", Array(21).fill(notice)],
    ])("refuses %s", async (_what, batch) => {
      const response = await open().post(JSON.stringify(batch), noVersion);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: -32600 } });
    });

    test("begins as every revision of that year", async () => {
      const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "test", version: "1" } };
      const response = await open().post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }));
      expect(await response.json()).toMatchObject({ result: { protocolVersion: "2025-03-26" } });
    });

    test("wants initialize alone", async () => {
      const hello = { jsonrpc: "2.0", id: 9, method: "initialize", params: {} };
      expect(await (await open().post(JSON.stringify([hello]), noVersion)).json()).toMatchObject([
        { id: 9, error: { code: -32600, message: "initialize must come alone" } },
      ]);
    });
  });

  test.each([
    ["not JSON", "{", 400, -32700],
    ["a batch", `[${list}]`, 400, -32600],
    ["a number", "7", 400, -32600],
    ["of too many values", `[${"[],".repeat(1_398_000)}[]]`, 400, -32600],
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

  test.each([
    ["resources/list", { cursor: 5 }, ""],
    ["resources/read", {}, ""],
    ["resources/read", { uri: 5 }, "5"],
    ["prompts/get", { name: 5 }, "5"],
    ["completion/complete", { ref: 5 }, ""],
  ])("says that the params of %s are wrong: %j", async (method, params, name) => {
    for (const [revision, more] of [
      ["2025-11-25", {}],
      ["2026-07-28", { _meta: modern("2026-07-28") }],
    ] as const) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, ...more } });
      const headers = { "mcp-protocol-version": revision, "mcp-method": method, "mcp-name": name };
      const response = await open().post(body, headers);
      expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } });
    }
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
