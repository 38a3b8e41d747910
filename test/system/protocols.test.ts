/** Agents behind each protocol: their tasks run through the worker contract, and their clients reach them beside it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type StreamResponse, type Task, TaskState } from "@a2a-js/sdk";
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import { HttpAgent } from "@ag-ui/client";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, it } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import type { Protocol } from "../../lib/contract/kinds.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { Emulator } from "../emulators/agentcore/emulator.ts";
import { signedFetch } from "../emulators/agentcore/signed-fetch.ts";
import { configurationWith, startEmulator, startLaptop } from "../emulators/agentcore/system.ts";
import { type MessageFields, messageRequest } from "../fixtures/a2a-messages.ts";
import { type AtEnd, problemOf } from "../mcp/clients.ts";
import { scripted } from "../worker/protocols/scripted.ts";
import { startSystem, temporaryFolder } from "./system.ts";

type Place = { runtimeUrl: string; sessionHeaderName: string; sessionHeaderValue: string };
type CloudAgent = { protocol: string; invocation: Place; a2a: Place & { endpointUrl: string; agentCardUrl: string } };

const settles = { timeout: 40_000 };
const nothing = { runtimes: [], sessions: [] };
const headersOf = ({ sessionHeaderName, sessionHeaderValue }: Place) => ({ [sessionHeaderName]: sessionHeaderValue });

async function start(atEnd: AtEnd) {
  const emulator = await startEmulator(atEnd);
  Object.assign(emulator.workerEnv, scripted);
  const folder = temporaryFolder(atEnd);
  const { client } = await startLaptop(
    emulator,
    configurationWith(undefined, { environment: scripted }),
    folder,
    {},
    atEnd,
  );
  /** A task of an agent that does what its instruction says. */
  const spawn = async (protocol: Protocol, instruction: string, target: Json = { mode: "runtime" }) => {
    const call = { instruction, protocol, framework: "scripted", provider: "aws", account_profile: "dev-aws", target };
    const handle = await client.must("spawn_cloud_agent", call);
    if (typeof handle.taskId !== "string") throw new Error(JSON.stringify(handle));
    return handle.taskId;
  };
  const agentIn = async (id: string, wanted: string) =>
    (await client.until(id, ({ status }) => status === wanted)).cloudAgent as CloudAgent;
  /** A task whose agent works until it is let go, so that whatever is said until then is said meanwhile. */
  const working = async (protocol: Protocol) => {
    const go = join(folder, "go");
    const id = await spawn(protocol, `await ${go}; first`);
    const agent = await agentIn(id, "running");
    const ended = { status: "succeeded", result: { output: "done: first" } };
    return { id, agent, letGo: () => writeFileSync(go, ""), ended };
  };
  return { emulator, client, spawn, agentIn, working, folder };
}

/** Sends messages as the official client does that knows nothing but what `cloudAgent` says. */
async function a2aClient(emulator: Emulator, { a2a }: CloudAgent) {
  const withSession = signedFetch(emulator);
  const fetchImpl: typeof fetch = (input, init = {}) =>
    withSession(input, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), ...headersOf(a2a) } });
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  const client = await factory.createFromUrl(a2a.agentCardUrl, "");
  const send = async (text: string, more?: MessageFields) =>
    (await client.sendMessage(messageRequest(text, more))) as Task;
  return { client, send };
}
const textsOf = ({ artifacts }: Pick<Task, "artifacts">) =>
  artifacts.flatMap(({ parts }) => parts.flatMap(({ content }) => (content?.$case === "text" ? content.value : [])));

describe.concurrent("a task of an agent behind a protocol", () => {
  it.for(["http", "a2a", "mcp", "ag-ui"] as const)(
    "%s runs to its end through the worker contract, with its log, events and files",
    async (protocol, { expect, onTestFinished: atEnd }) => {
      const { emulator, client, spawn } = await start(atEnd);
      const id = await spawn(protocol, "say I look; log a line; hello; leave notes.txt");
      const record = await client.ended(id);
      expect(record).toMatchObject({ status: "succeeded", result: { output: "done: hello" } });
      expect(await client.log(id)).toContain("a line\n");
      const { artifacts } = await client.must("get_task_result", { task_id: id });
      expect(artifacts).toMatchObject([{ id: expect.any(String), sizeBytes: 17 }]);
      const made = emulator.calls.find(({ operation }) => operation === "CreateAgentRuntime")?.body as Json;
      const spoken = { http: "HTTP", a2a: "A2A", mcp: "MCP", "ag-ui": "AGUI" }[protocol];
      expect(made.protocolConfiguration).toEqual({ serverProtocol: spoken });
      await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
      expect(emulator.flaws).toEqual([]);
    },
  );

  it("is reached by a client of A2A with what cloudAgent says, and followed up", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { emulator, client, working } = await start(atEnd);
    const { id, agent, letGo, ended } = await working("a2a");
    const a2a = await a2aClient(emulator, agent);
    const taken = await a2a.send("second", { now: true });
    const followed: StreamResponse[] = [];
    for await (const event of a2a.client.resubscribeTask({ id: taken.id, tenant: "" })) {
      // It was taken before its agent can end.
      letGo();
      followed.push(event);
    }
    const artifacts = followed.flatMap(({ payload }) =>
      payload?.$case === "artifactUpdate" && payload.value.artifact ? payload.value.artifact : [],
    );
    expect(textsOf({ artifacts })).toEqual(["done: second"]);
    expect(await client.ended(id)).toMatchObject(ended);
    expect(await client.log(id)).toContain("done: second\n");
    expect(emulator.flaws).toEqual([]);
  });

  it("is answered by a client of A2A, on a runtime that speaks it already", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { emulator, client, spawn, agentIn } = await start(atEnd);
    const environment = { [environmentVariables.workerProtocol]: "a2a" };
    const runtimeArn = emulator.deploy("shared_a2a", { serverProtocol: "A2A", environment });
    const id = await spawn("a2a", "ask What?; ask Why?", { mode: "session", details: { runtimeArn } });
    const a2a = await a2aClient(emulator, await agentIn(id, "input_required"));
    const asked = await a2a.client.getTask({ id, tenant: "" });
    expect(asked.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
    const again = await a2a.send("this", { taskId: id, contextId: asked.contextId });
    expect(again.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
    await a2a.send("that", { taskId: id, contextId: asked.contextId });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { output: "done: this, that" } });
  });

  it("is reached by a client of AG-UI with what cloudAgent says", async ({ expect, onTestFinished: atEnd }) => {
    const { emulator, client, working } = await start(atEnd);
    const { id, agent, letGo, ended } = await working("ag-ui");
    const { invocation } = agent;
    const http = new HttpAgent({
      url: invocation.runtimeUrl,
      headers: headersOf(invocation),
      fetch: signedFetch(emulator) as never,
    });
    http.setMessages([{ id: "m1", role: "user", content: "second" }]);
    const { result } = await http.runAgent({}, { onRunStartedEvent: letGo });
    expect(result).toBe("done: second");
    expect(await client.ended(id)).toMatchObject(ended);
    expect(emulator.flaws).toEqual([]);
  });

  it("is reached by a client of MCP with what cloudAgent says", async ({ expect, onTestFinished: atEnd }) => {
    const { emulator, client, spawn, agentIn } = await start(atEnd);
    const id = await spawn("mcp", "ask What?");
    const { invocation } = await agentIn(id, "input_required");
    const mcp = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
    const requestInit = { headers: headersOf(invocation) };
    const fetchImpl = signedFetch(emulator);
    await mcp.connect(
      new StreamableHTTPClientTransport(new URL(invocation.runtimeUrl), { requestInit, fetch: fetchImpl }),
    );
    const { structuredContent } = await mcp.callTool({ name: "run", arguments: { prompt: "this" } });
    expect(structuredContent).toMatchObject({ ok: true, output: "done: this" });
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { output: "done: this" } });
    await mcp.close();
  });

  it("hears what a2a_send says while it works, and names its conversation once it has ended", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { emulator, client, working } = await start(atEnd);
    const { id, letGo, ended } = await working("a2a");
    const early = await client.must("a2a_send", { task_id: id, text: "early", timeout_seconds: 0.2 });
    expect(early).toEqual({ taskId: id, status: "running" });
    const sent = client.must("a2a_send", { task_id: id, text: "say on it; second", timeout_seconds: 40 });
    const isMessage = ({ body }: { body: unknown }) => (body as Json).method === "message/send";
    await expect.poll(() => emulator.calls.filter(isMessage).length, settles).toBe(2);
    letGo();
    expect(await sent).toMatchObject({ taskId: id, reply: "done: second" });
    expect(await client.ended(id)).toMatchObject(ended);
    expect(await client.log(id)).toMatch(/done: early\n.*done: second\n/s);
    const late = problemOf(await client.call("a2a_send", { task_id: id, text: "more" }));
    const { conversation } = await client.status(id);
    expect(late).toMatchObject({ code: "task.terminal", hint: expect.stringContaining(String(conversation)) });
    await expect.poll(() => emulator.inventory, settles).toEqual(nothing);
  });

  it("is answered by a2a_send whatever it speaks, and else hears nothing where it does not speak A2A", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, spawn, agentIn, folder } = await start(atEnd);
    const id = await spawn("http", `ask What?; ask Why?; await ${join(folder, "go")}`);
    await agentIn(id, "input_required");
    const again = await client.must("a2a_send", { task_id: id, text: "this" });
    expect(again).toMatchObject({ status: "input_required", question: "Why?" });
    const waiting = await client.must("a2a_send", { task_id: id, text: '{"choice-2":"that"}', timeout_seconds: 0.5 });
    expect(waiting).toEqual({ taskId: id, status: "running" });
    const refused = problemOf(await client.call("a2a_send", { task_id: id, text: "more" }));
    expect(refused).toMatchObject({ code: "adapter.unsupported", message: expect.stringContaining("speaks http") });
    writeFileSync(join(folder, "go"), "");
    expect(await client.ended(id)).toMatchObject({ result: { output: "done: this, that" } });
  });
});

describe.concurrent("a task on this machine", () => {
  it("is answered, and hears what is said while it works", async ({ expect, onTestFinished: atEnd }) => {
    const folder = temporaryFolder(atEnd);
    const configuration = {
      backends: { local: { adapter: "local-process", account: "local", details: { environment: scripted } } },
    };
    const { client } = await startSystem(folder, { configuration, atEnd });
    const go = join(folder, "go");
    const spawn = { instruction: `ask What?; await ${go}; first`, framework: "scripted" };
    const id = (await client.must("spawn_cloud_agent", spawn)).taskId as string;
    await client.until(id, ({ status }) => status === "input_required");
    await client.must("a2a_send", { task_id: id, text: "this", timeout_seconds: 0.1 });
    const early = await client.must("a2a_send", { task_id: id, text: "early", timeout_seconds: 0.5 });
    expect(early).toEqual({ taskId: id, status: "running" });
    writeFileSync(go, "");
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { output: "done: this, first" } });
    expect(await client.log(id)).toContain("done: early\n");
    const late = problemOf(await client.call("a2a_send", { task_id: id, text: "more" }));
    expect(late).toMatchObject({ code: "task.terminal" });
    const unknown = problemOf(await client.call("a2a_send", { task_id: `task_${"0".repeat(32)}`, text: "x" }));
    expect(unknown).toMatchObject({ code: "task.not_found" });
  });
});
