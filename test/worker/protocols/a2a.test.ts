import { type Message, type Part, type StreamResponse, type Task, TaskState } from "@a2a-js/sdk";
import { ClientFactory } from "@a2a-js/sdk/client";
import { ContentTypeNotSupportedError } from "@a2a-js/sdk/errors";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { CONTRACT, MAX_REQUEST_BYTES } from "../../../lib/contract/worker.ts";
import { partOf, messageRequest as request } from "../../fixtures/a2a-messages.ts";
import { startWorker, type TestWorker, until } from "../start-worker.ts";
import { scripted } from "./scripted.ts";

const env = { ...scripted, [environmentVariables.workerProtocol]: "a2a" };

const contentOf = ({ content }: Part) => (content?.$case === "raw" ? content.value.toString() : content?.value);
const artifactsOf = ({ artifacts }: Task) =>
  Object.fromEntries(artifacts.map(({ name, parts }) => [name, parts.map(contentOf)]));
const asTask = (answer: Message | Task): Task => {
  if ("status" in answer) return answer;
  throw new Error("the agent answered with a message");
};

/** The official client, which reads the card first. */
async function connect(worker: TestWorker) {
  const client = await new ClientFactory().createFromUrl(worker.url);
  return {
    client,
    send: async (text: string, more = {}) => asTask(await client.sendMessage(request(text, more))),
  };
}

async function rpc(worker: TestWorker, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(worker.url, { method: "POST", body: text, headers });
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
}
const legacy = (text: string, method = "message/send") => ({
  jsonrpc: "2.0",
  id: 1,
  method,
  params: {
    message: { kind: "message", role: "user", messageId: crypto.randomUUID(), parts: [{ kind: "text", text }] },
  },
});

describe("a worker that speaks A2A", () => {
  test("answers a message with its text, its data and its files", async () => {
    await using worker = await startWorker(env);
    const { send } = await connect(worker);
    const task = await send("hello; leave notes.txt", { metadata: { colour: "red" } });
    expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(artifactsOf(task)).toEqual({
      result: ["done: hello", { metadata: { colour: "red" } }],
      "notes.txt": ["this is notes.txt"],
    });
    await until(async () => (await worker.ping()).status === "Healthy");
  });

  test("streams what the agent says and does", async () => {
    await using worker = await startWorker(env);
    const { client } = await connect(worker);
    const events: StreamResponse[] = [];
    for await (const event of client.sendMessageStream(request("say I look; call grep; say found it")))
      events.push(event);
    const kinds = events.map(({ payload }) => payload?.$case);
    expect(kinds[0]).toBe("task");
    const updates = events.flatMap(({ payload }) => (payload?.$case === "statusUpdate" ? payload.value.status : []));
    const said = updates.flatMap((status) => status?.message?.parts.map(contentOf) ?? []);
    expect(said).toEqual(["I look", "→ grep", "found it"]);
    expect(kinds).toContain("artifactUpdate");
    expect(updates.at(-1)?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  });

  test("asks, and goes on with the same task once it was answered", async () => {
    await using worker = await startWorker(env);
    const { send } = await connect(worker);
    const asked = await send("ask Which colour?; ask Which size?");
    expect(asked.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
    expect(asked.status?.message?.parts.map(contentOf)).toEqual(["Which colour?"]);
    const again = await send("green", { taskId: asked.id, contextId: asked.contextId });
    expect(again).toMatchObject({ id: asked.id, status: { state: TaskState.TASK_STATE_INPUT_REQUIRED } });
    const done = await send("large", { taskId: asked.id, contextId: asked.contextId });
    expect(done).toMatchObject({ id: asked.id, status: { state: TaskState.TASK_STATE_COMPLETED } });
    expect(artifactsOf(done).result?.[0]).toBe("done: green, large");
  });

  test("says why an agent failed, and refuses what it cannot take", async () => {
    await using worker = await startWorker(env);
    const { send } = await connect(worker);
    const failed = await send("fail out of paper");
    expect(failed.status?.state).toBe(TaskState.TASK_STATE_FAILED);
    expect(String(failed.status?.message?.parts.map(contentOf))).toContain("3");
    const unknown = await send("hello", { metadata: { framework: "nobody" } });
    expect(unknown.status?.state).toBe(TaskState.TASK_STATE_FAILED);
    expect(String(unknown.status?.message?.parts.map(contentOf))).toContain('no framework "nobody"');
    const misread = await send("hello", { metadata: { timeout_seconds: "soon" } });
    expect(String(misread.status?.message?.parts.map(contentOf))).toContain("metadata.timeout_seconds");
  });

  test("refuses content of a type that it cannot take, and makes no task of it", async () => {
    await using worker = await startWorker(env);
    const { client } = await connect(worker);
    const image = partOf({ $case: "raw", value: Buffer.from("x") }, "image/png", "look.png");
    const sent = request("look at this");
    sent.message.parts.push(image);
    await expect(client.sendMessage(sent)).rejects.toBeInstanceOf(ContentTypeNotSupportedError);
    const streamed = client.sendMessageStream(sent)[Symbol.asyncIterator]();
    await expect(streamed.next()).rejects.toBeInstanceOf(ContentTypeNotSupportedError);
    const file = { kind: "file", file: { bytes: "eA==", mimeType: "image/png", name: "look.png" } };
    for (const method of ["message/send", "message/stream"]) {
      const { params, ...body } = legacy("look at this", method);
      const parts = [...params.message.parts, file];
      expect(await rpc(worker, { ...body, params: { message: { ...params.message, parts } } })).toMatchObject({
        status: 200,
        error: { code: -32_005, message: expect.stringContaining("look.png") },
      });
    }
    expect((await worker.ping()).status).toBe("Healthy");
  });

  test("takes and gives data alone where a text beside it is empty", async () => {
    await using worker = await startWorker(env);
    const { client, send } = await connect(worker);
    const sent = request("paint");
    const data = partOf({ $case: "data", value: { colour: "red" } }, "application/json");
    sent.message.parts.push(partOf({ $case: "text", value: "" }, "text/plain"), data);
    expect(artifactsOf(asTask(await client.sendMessage(sent)))).toEqual({ result: ['done: paint\n{"colour":"red"}'] });
    expect(artifactsOf(await send("silent", { metadata: { colour: "red" } }))).toEqual({
      result: [{ metadata: { colour: "red" } }],
    });
  });

  test("goes on when its client leaves, and can be read and cancelled", async () => {
    await using worker = await startWorker(env);
    const { client, send } = await connect(worker);
    const leaving = new AbortController();
    const body = JSON.stringify({ ...legacy("sleep 300; left behind", "message/stream"), id: "leaving" });
    const response = await fetch(worker.url, { method: "POST", body, signal: leaving.signal });
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    leaving.abort();
    const { id } = JSON.parse(
      Buffer.from(value ?? [])
        .toString()
        .replace(/^data: /, "")
        .split("\n")[0] ?? "",
    ).result;
    const read = async () => client.getTask({ id, tenant: "" });
    const done = await until(async () => {
      const task = await read();
      return task.status?.state === TaskState.TASK_STATE_COMPLETED ? task : undefined;
    });
    expect(artifactsOf(done).result?.[0]).toBe("done: left behind");

    const long = await send("sleep 600000", { now: true });
    const waiting = await send("never", { now: true });
    for (const { id } of [waiting, long]) {
      const cancelled = await client.cancelTask({ id, tenant: "", metadata: undefined });
      expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    }
    const asked = await send("ask What?");
    const cancelled = await client.cancelTask({ id: asked.id, tenant: "", metadata: undefined });
    expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    await until(async () => (await worker.ping()).status === "Healthy");
  });

  test("speaks 0.3 with those who name no version", async () => {
    await using worker = await startWorker(env);
    const card = await (await fetch(`${worker.url}/.well-known/agent-card.json`)).json();
    expect(card).toMatchObject({
      protocolVersion: "0.3",
      preferredTransport: "JSONRPC",
      url: expect.stringMatching(/^http:/),
      supportedInterfaces: [{ protocolVersion: "1.0" }, { protocolVersion: "0.3" }],
    });
    expect(await rpc(worker, legacy("hello"))).toMatchObject({
      result: {
        kind: "task",
        status: { state: "completed" },
        artifacts: [{ parts: [{ kind: "text", text: "done: hello" }] }],
      },
    });
  });

  test("lets a client keep its card, of each version by itself", async () => {
    await using worker = await startWorker(env);
    const url = `${worker.url}/.well-known/agent-card.json`;
    const card = async (headers: Record<string, string> = {}) => {
      const { status, headers: had } = await fetch(url, { headers });
      return { status, etag: had.get("etag") ?? "", cache: had.get("cache-control"), vary: had.get("vary") };
    };
    const first = await card();
    expect(first).toEqual({
      status: 200,
      etag: expect.stringMatching(/^".+"$/),
      cache: "max-age=300",
      vary: expect.stringContaining("A2A-Version"),
    });
    expect(await card({ "if-none-match": first.etag })).toEqual({ ...first, status: 304 });
    expect(await card({ "if-none-match": first.etag, "a2a-version": "1.0" })).toMatchObject({ status: 200 });
  });

  test("refuses in JSON-RPC what is none, and what is too large", async () => {
    await using worker = await startWorker(env);
    for (const [body, status, code] of [
      ["{", 400, -32_700],
      ["[]", 400, -32_600],
      [{}, 200, -32_600],
      [{ jsonrpc: "2.0", id: 1, method: "tasks/fly", params: {} }, 200, -32_601],
      [{ jsonrpc: "2.0", id: 1, method: "tasks/get", params: { id: "nobody" } }, 200, -32_001],
      [
        { jsonrpc: "2.0", id: 1, method: "message/send", params: { message: { role: "user", parts: [] } } },
        200,
        -32_602,
      ],
      ["x".repeat(MAX_REQUEST_BYTES + 1), 413, -32_600],
    ] as const)
      expect(await rpc(worker, body)).toMatchObject({ status, jsonrpc: "2.0", error: { code } });
    expect((await fetch(worker.url)).status).toBe(405);
    expect((await fetch(`${worker.url}/elsewhere`)).status).toBe(404);
  });

  test("understands the worker contract at the path that AgentCore posts to, and beside it", async () => {
    await using worker = await startWorker(env);
    expect(await rpc(worker, { contract: CONTRACT, op: "hello" })).toMatchObject({
      protocols: expect.arrayContaining(["a2a"]),
    });
    const { reply } = await worker.agent({ instruction: "hello", framework: "scripted" });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "done: hello" } });
  });
});

describe("the agent of a task that the control plane gave the session", () => {
  test("hears a message once its turn is over, before its task ends", async () => {
    await using worker = await startWorker(env);
    await worker.start({ taskType: "agent.run", input: { instruction: "sleep 500; first", framework: "scripted" } });
    const { send } = await connect(worker);
    const followed = send("say on it; second");
    const { reply, events } = await worker.finish();
    expect(artifactsOf(await followed)).toEqual({ result: ["done: second"] });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "done: first" } });
    expect(events).toContainEqual(expect.objectContaining({ type: "agent.message", message: "on it" }));
    expect((await send("too late")).status?.state).toBe(TaskState.TASK_STATE_REJECTED);
  });

  test("is a task of A2A under the same id, which can be read, answered and cancelled", async () => {
    await using worker = await startWorker(env);
    await worker.start({
      taskType: "agent.run",
      input: { instruction: "ask What?; sleep 600000", framework: "scripted" },
    });
    await worker.pollUntil(({ status }) => status === "input_required");
    const { client } = await connect(worker);
    const read = () => client.getTask({ id: worker.taskId, tenant: "" });
    const asked = await until(async () => {
      const task = await read();
      return task.status?.state === TaskState.TASK_STATE_INPUT_REQUIRED ? task : undefined;
    });
    void client.sendMessage(request("this", { taskId: asked.id, contextId: asked.contextId })).catch(() => {});
    await until(async () => (await read()).status?.state === TaskState.TASK_STATE_WORKING);
    const cancelled = await client.cancelTask({ id: worker.taskId, tenant: "", metadata: undefined });
    expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    const { reply } = await worker.finish();
    expect(reply.status).toBe("cancelled");
  });
});
