import { describe, expect, test } from "vitest";
import { MAX_REPLY, replySize } from "../../lib/contract/replies/reply-size.ts";
import type { Json } from "../../lib/contract/task.ts";
import { makeTask } from "../contract/make-task.ts";
import { bareCaller, openEndpoint } from "./clients.ts";
import { officialClients } from "./official-clients.ts";
import { openPorts } from "./ports.ts";

const timestamp = "2026-11-20T10:00:00.000Z";

describe.each(["legacy", "modern"] as const)("a client of a %s revision", (era) => {
  const open = async () => {
    const ports = openPorts();
    const client = await officialClients[era](await openEndpoint({ ports }));
    const read = async (uri: string): Promise<Json> => {
      const { contents } = await client.readResource({ uri });
      const [content, ...more] = contents as { uri: string; mimeType?: string; text?: string }[];
      expect(more).toEqual([]);
      expect(content).toMatchObject({ uri, mimeType: "application/json" });
      expect(replySize(JSON.parse(content?.text ?? ""))).toBeLessThanOrEqual(MAX_REPLY);
      return JSON.parse(content?.text ?? "") as Json;
    };
    return { ports, client, read };
  };

  test("reads a task, its events, its output and its result, in pages", async () => {
    const { ports, client, read } = await open();
    const output = `begin${"é".repeat(20_000)}end`;
    const task = makeTask({
      owner: "me",
      status: "succeeded",
      taskType: "agent.run",
      result: { output, outcome: "done" },
      logLength: 12,
      workerSequence: 100,
    });
    await ports.store.create(task);
    await ports.store.appendLog([
      { taskId: task.id, offset: 0, sequence: 100, stream: "stdout", timestamp, text: "hello world\n" },
    ]);
    const uri = `task://${task.id}`;
    expect(await read(uri)).toMatchObject({ id: task.id, status: "succeeded" });
    expect(await read(`${uri}/events`)).toMatchObject({
      events: [{ type: "task.created" }, { type: "task.log" }, expect.anything(), { type: "task.succeeded" }],
    });
    expect((await read(`${uri}/events?after=1000000001`)).events).toMatchObject([{ type: "task.succeeded" }]);
    expect(await read(`${uri}/logs`)).toMatchObject({ data: "hello world\n", nextCursor: 12 });
    expect(await read(`${uri}/logs?cursor=6&limit=3`)).toMatchObject({ data: "wor", nextCursor: 9 });
    const preview = await read(`${uri}/result`);
    expect(preview).toMatchObject({ previews: ["result"], resource: `${uri}/result` });

    // The link beside the preview leads to the whole
    const { content } = await client.callTool({ name: "get_task_result", arguments: { task_id: task.id } });
    const [, link] = content as { type: string; uri: string }[];
    expect(link).toMatchObject({ type: "resource_link", name: "result", uri: `${uri}/result?offset=0` });
    let whole = "";
    for (let next: string | undefined = link?.uri; next !== undefined; ) {
      const { text, nextOffset } = (await read(next)) as { text: string; nextOffset?: number };
      whole += text;
      next = nextOffset === undefined ? undefined : `${uri}/result?offset=${nextOffset}`;
    }
    expect(whole === output).toBe(true);
  });

  test("finds tasks page by page, newest first, and by the beginning of an id", async () => {
    const { ports, client } = await open();
    const ids: string[] = [];
    for (let i = 0; i < 53; i++) {
      const createdAt = new Date(Date.parse(timestamp) + i * 1000).toISOString();
      const task = makeTask({ owner: "me", createdAt, updatedAt: createdAt, input: { command: `step ${i}\nof many` } });
      await ports.store.create(task);
      ids.unshift(task.id);
    }
    await ports.store.create(makeTask({ owner: "somebody else" }));
    // The newer client asks for all pages by itself
    let { resources: all, nextCursor } = await client.listResources();
    expect(all.length).toBe(era === "legacy" ? 50 : 53);
    while (nextCursor !== undefined) {
      const page = await client.listResources({ cursor: nextCursor });
      all = [...all, ...page.resources];
      nextCursor = page.nextCursor;
    }
    expect(all.map(({ uri }) => uri)).toEqual(ids.map((id) => `task://${id}`));
    expect(all[0]).toMatchObject({ name: ids[0], title: "step 52", mimeType: "application/json" });

    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      "task://{id}",
      "task://{id}/events{?after}",
      "task://{id}/logs{?cursor,limit}",
      "task://{id}/result{?offset,max_chars}",
    ]);
    for (const { uriTemplate } of resourceTemplates) {
      const ref = { type: "ref/resource", uri: uriTemplate } as const;
      const complete = async (name: string, value: string) =>
        (await client.complete({ ref, argument: { name, value } })).completion.values;
      expect(await complete("id", (ids[7] ?? "").slice(0, 20))).toEqual([ids[7]]);
      expect(await complete("id", "task_")).toEqual(ids);
      expect(await complete("after", "")).toEqual([]);
    }
  });

  test("is told of what is not there as its revision says, and of what is asked wrongly", async () => {
    const { ports, client } = await open();
    const other = makeTask({ owner: "somebody else" });
    await ports.store.create(other);
    const mine = makeTask({ owner: "me" });
    await ports.store.create(mine);
    const missing = { code: era === "legacy" ? -32002 : -32602 };
    for (const uri of [`task://${other.id}`, `task://${mine.id}/nothing`, "task://x", "task://", `http://${mine.id}`])
      await expect(client.readResource({ uri }), uri).rejects.toMatchObject({ ...missing, data: { uri } });
    const wrong = client.readResource({ uri: `task://${mine.id}/logs?cursor=x` });
    await expect(wrong).rejects.toMatchObject({ code: -32602, message: expect.stringContaining("cursor") });
    await expect(client.listResources({ cursor: "1:made-up" })).rejects.toMatchObject({ code: -32602 });
    const ref = { type: "ref/resource", uri: "task://{nobody}" } as const;
    await expect(client.complete({ ref, argument: { name: "id", value: "" } })).rejects.toMatchObject({ code: -32602 });
  });

  test("has a prompt that dispatches work", async () => {
    const { client } = await open();
    const { prompts } = await client.listPrompts();
    expect(prompts).toMatchObject([
      { name: "dispatch-work", arguments: [{ name: "work", required: true }, { name: "runtime" }] },
    ]);
    const { messages } = await client.getPrompt({
      name: "dispatch-work",
      arguments: { work: "Mend it.", runtime: "mender" },
    });
    expect(messages).toMatchObject([
      {
        role: "user",
        content: { text: expect.stringMatching(/spawn_cloud_agent with runtime "mender"[\s\S]*Mend it\.$/) },
      },
    ]);
    await expect(client.getPrompt({ name: "dispatch-work" })).rejects.toMatchObject({ code: -32602 });
  });
});

test("a client of a revision without links gets none", async () => {
  const ports = openPorts();
  const task = makeTask({ owner: "me", status: "succeeded", result: "x".repeat(60_000) });
  await ports.store.create(task);
  const { post } = bareCaller({ ports });
  const params = { name: "get_task_result", arguments: { task_id: task.id } };
  const types = async (revision: string) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    const { result } = (await (await post(body, { "mcp-protocol-version": revision })).json()) as {
      result: { content: Json[] };
    };
    return result.content.map(({ type }) => type);
  };
  expect(await types("2025-03-26")).toEqual(["text"]);
  expect(await types("2025-06-18")).toEqual(["text", "resource_link"]);
});
