import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { describe, expect, test } from "vitest";
import type { McpExtra } from "../../lib/mcp/extra.ts";
import { openEndpoint } from "./clients.ts";
import { officialClients } from "./official-clients.ts";
import { openPorts } from "./ports.ts";

/** One of each, as a module of tests may add them. */
const extra: McpExtra = {
  tools: [
    {
      name: "draw",
      listed: () => ({ name: "draw", description: "Draws a point.", inputSchema: { type: "object" } }),
      notifies: "progress",
      call: async ({ call, era }, { mcpReq: { _meta, notify } }) => {
        const progressToken = _meta?.progressToken;
        if (progressToken !== undefined)
          await notify({ method: "notifications/progress", params: { progressToken, progress: 1, message: "half" } });
        return { content: [{ type: "text", text: JSON.stringify({ era, given: call.arguments }) }] };
      },
    },
  ],
  prompts: [
    {
      prompt: { name: "greet", arguments: [{ name: "whom", required: true }] },
      get: (_scope, { whom }) => ({ messages: [{ role: "user", content: { type: "text", text: `Greet ${whom}.` } }] }),
      complete: (_scope, argument, value) =>
        argument === "whom" ? ["Ann", "Anton", "Bob"].filter((name) => name.startsWith(value)) : [],
    },
  ],
  resources: {
    list: async ({ caller }) => ({ resources: [{ uri: `of://${caller.owner}`, name: "yours" }] }),
    templates: [{ uriTemplate: "of://{name}", name: "of somebody" }],
    read: async (_scope, uri) => (uri.startsWith("of://") ? { contents: [{ uri, text: "hello" }] } : undefined),
    complete: async (_scope, _template, _variable, value) => [`${value}1`],
  },
};

describe.each(["legacy", "modern"] as const)("what a module adds, to a client of a %s revision", (era) => {
  const open = async () => officialClients[era](await openEndpoint({ ports: openPorts(), extra }));

  test("is declared, and its tool tells of its work", async () => {
    const client = await open();
    expect(client.getServerCapabilities()).toMatchObject({ tools: {}, prompts: {}, resources: {}, completions: {} });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["draw", "spawn_cloud_agent"]));
    const told: unknown[] = [];
    const onprogress = ({ message }: { message?: string | undefined }) => told.push(message);
    const asked = { name: "draw", arguments: { x: 1 } };
    const { content } =
      client instanceof OlderClient
        ? await client.callTool(asked, undefined, { onprogress })
        : await client.callTool(asked, { onprogress });
    expect(content).toEqual([{ type: "text", text: JSON.stringify({ era, given: { x: 1 } }) }]);
    expect(told).toEqual(["half"]);
  });

  test("has prompts, and refuses what they lack", async () => {
    const client = await open();
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: "dispatch-work" }, { name: "greet" }]);
    const { messages } = await client.getPrompt({ name: "greet", arguments: { whom: "Ann" } });
    expect(messages).toEqual([{ role: "user", content: { type: "text", text: "Greet Ann." } }]);
    await expect(client.getPrompt({ name: "greet" })).rejects.toMatchObject({ code: -32602 });
    await expect(client.getPrompt({ name: "insult" })).rejects.toMatchObject({ code: -32602 });
    const ref = { type: "ref/prompt", name: "greet" } as const;
    const { completion } = await client.complete({ ref, argument: { name: "whom", value: "An" } });
    expect(completion).toEqual({ values: ["Ann", "Anton"], total: 2, hasMore: false });
    const unknown = { type: "ref/prompt", name: "insult" } as const;
    const asked = client.complete({ ref: unknown, argument: { name: "whom", value: "" } });
    await expect(asked).rejects.toMatchObject({ code: -32602 });
  });

  test("has resources, and the error of its revision for one that is not there", async () => {
    const client = await open();
    const first = await client.listResources();
    const next =
      first.nextCursor === undefined ? [] : (await client.listResources({ cursor: first.nextCursor })).resources;
    expect([...first.resources, ...next]).toEqual([{ uri: "of://me", name: "yours" }]);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates[0]).toEqual({ uriTemplate: "of://{name}", name: "of somebody" });
    expect((await client.readResource({ uri: "of://me" })).contents).toEqual([{ uri: "of://me", text: "hello" }]);
    await expect(client.readResource({ uri: "other://me" })).rejects.toMatchObject({
      code: era === "legacy" ? -32002 : -32602,
      data: { uri: "other://me" },
    });
    await expect(client.listResources({ cursor: "made-up" })).rejects.toMatchObject({ code: -32602 });
    const ref = { type: "ref/resource", uri: "of://{name}" } as const;
    const { completion } = await client.complete({ ref, argument: { name: "name", value: "a" } });
    expect(completion.values).toEqual(["a1"]);
  });
});
