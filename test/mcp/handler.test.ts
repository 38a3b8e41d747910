import { createHash, randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { signingFetch } from "../aws/callers.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { type Cloud, openCloud } from "../emulators/functions.ts";
import type { DeployedFunction } from "../emulators/lambda-runner.ts";
import { openRestApi, readStreamed, restEvent } from "../emulators/rest-api.ts";
import { connect, problemOf, revisions } from "./clients.ts";

const ENTRY = "lambdas/mcp/handler.ts";
const ROLE = "arn:aws:sts::123456789012:assumed-role";
const ANN = `${ROLE}/deployer/ann`;
const BOB = `${ROLE}/other/bob`;

let cloud: Cloud;
let mcp: DeployedFunction;
let api: Awaited<ReturnType<typeof openRestApi>>;
beforeAll(async () => {
  cloud = await openCloud();
  mcp = await cloud.deploy(ENTRY);
  api = await openRestApi(mcp);
});
afterAll(async () => {
  await api?.stop();
  await cloud?.stop();
});

/** Fetches as that principal. */
const as = (userArn: string) => signingFetch(api.admit(userArn));

const message = (name: string, args: Json = {}, id = 1, _meta: Json = {}) =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args, _meta } });

const rpcHeaders = {
  "content-type": ["application/json"],
  accept: ["application/json, text/event-stream"],
  "mcp-protocol-version": ["2025-11-25"],
};

/** One event, as the gateway would make it of this. */
async function send(event: unknown, target = mcp) {
  const { statusCode, headers, body } = await readStreamed(await target.invoke(event));
  const content = await text(body);
  return { statusCode, headers, content, json: content === "" ? undefined : (JSON.parse(content) as Json) };
}

test("a caller who names a runtime that the configuration does not is told which field of it would allow that", async () => {
  const client = await connect(api.url, revisions[0], as(ANN));
  const runtime_arn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/others-AbCdEf1234";
  const spawned = await client.call("spawn_cloud_agent", {
    instruction: "Look around.",
    runtime: "research",
    context: { topic: "moss" },
    runtime_arn,
  });
  expect(problemOf(spawned)).toMatchObject({
    code: "policy.denied",
    hint: expect.stringMatching(
      /^callers may name arn:.*; allowed\.runtimes in the configuration file would allow others$/,
    ),
  });
});

describe.each(revisions)("a client of %s", (revision) => {
  test("dispatches a task, and reads it", async () => {
    const client = await connect(api.url, revision, as(ANN));
    expect((await client.call("list_providers")).structured).toEqual({ items: ["aws"] });
    const args = { runtime: "research", instruction: "Look around.", context: { topic: "moss" } };
    const spawned = await client.call("spawn_cloud_agent", args);
    expect(spawned).toMatchObject({ isError: false, structured: { status: "provisioning", provider: "aws" } });
    const taskId = String(spawned.structured?.taskId);
    expect(cloud.starts.filter(({ name }) => name === `${taskId}-1`)).toEqual([
      {
        stateMachineArn: "arn:aws:states:us-east-1:123456789012:stateMachine:dispatch",
        name: `${taskId}-1`,
        input: JSON.stringify({ id: taskId, n: 1 }),
      },
    ]);
    const status = await client.call("get_task_status", { task_id: taskId });
    expect(status.structured).toMatchObject({ id: taskId, status: "provisioning", owner: `${ROLE}/deployer` });

    const again = await connect(api.url, revision, as(`${ROLE}/deployer/another-session`));
    expect((await again.call("get_task_status", { task_id: taskId })).structured).toMatchObject({ id: taskId });
    const other = await connect(api.url, revision, as(BOB));
    for (const tool of ["get_task_status", "get_task_result", "get_task_logs", "cancel_task"])
      expect(problemOf(await other.call(tool, { task_id: taskId }))).toMatchObject({ code: "task.not_found" });
    expect((await other.call("list_tasks")).structured).toMatchObject({ items: [] });
  });
});

describe("an answer begins with metadata", () => {
  test.each([
    ["nothing", undefined],
    ["another kind of event", { version: "2.0", rawPath: "/mcp", requestContext: { http: { method: "POST" } } }],
    ["an address that is none", { ...restEvent(ANN, {}), path: "mcp" }],
    ["a host that is none", { ...restEvent(ANN, {}), requestContext: { domainName: "a b", path: "/live/mcp" } }],
    ["a header that is none", restEvent(ANN, { headers: { "x-a": ["b\nc: d"] } })],
    ["a method that is none", restEvent(ANN, { method: "TRACE" })],
    ["a body that is no text", { ...restEvent(ANN, {}), body: { jsonrpc: "2.0" } }],
  ])("for %s", async (_, event) => {
    const { statusCode, json, headers } = await send(event);
    expect({ statusCode, json }).toMatchObject({ statusCode: 400, json: { jsonrpc: "2.0", error: { code: -32_600 } } });
    expect(headers).toEqual({ "content-type": "application/json" });
  });

  test.each([
    ["a caller without a name", restEvent("", { headers: rpcHeaders, body: message("list_providers") }), 403],
    [
      "a federated user",
      restEvent("arn:aws:sts::123456789012:federated-user/ann", { headers: rpcHeaders, body: message("list_tasks") }),
      403,
    ],
    ["an event without an identity", { ...restEvent(ANN, { headers: rpcHeaders }), requestContext: {} }, 403],
    ["a body that is no JSON", restEvent(ANN, { headers: rpcHeaders, body: "{" }), 400],
    ["a request without a body", restEvent(ANN, { headers: rpcHeaders }), 400],
    ["a GET", restEvent(ANN, { method: "GET", headers: rpcHeaders, body: "ignored" }), 405],
    ["a body over 4 MB", restEvent(ANN, { headers: rpcHeaders, body: "x".repeat(4 * 1024 * 1024 + 1) }), 413],
  ])("for %s", async (_, event, statusCode) => {
    expect(await send(event)).toMatchObject({
      statusCode,
      json: { jsonrpc: "2.0", error: { code: expect.any(Number) } },
    });
  });

  test("for a notification, which has no body", async () => {
    const body = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });
    expect(await send(restEvent(ANN, { headers: rpcHeaders, body }))).toMatchObject({ statusCode: 202, content: "" });
  });
});

test("nobody becomes another owner by a header", async () => {
  const taskId = await aTaskOf(`${ROLE}/deployer`);
  const claims = { "x-amzn-userarn": [ANN], "user-arn": [ANN], authorization: [`Bearer ${ANN}`] };
  const event = restEvent(BOB, {
    headers: { ...rpcHeaders, ...claims },
    body: message("get_task_status", { task_id: taskId }),
  });
  expect((await send(event)).content).toContain("task.not_found");
});

test("a body may come in base64, and a header more than once", async () => {
  const { accept: _, ...headers } = rpcHeaders;
  const event = restEvent(ANN, {
    headers: { ...headers, Accept: ["application/json", "text/event-stream"] },
    body: Buffer.from(message("list_providers")).toString("base64"),
    base64: true,
  });
  expect(await send(event)).toMatchObject({
    statusCode: 200,
    json: { result: { structuredContent: { items: ["aws"] } } },
  });
  const { multiValueHeaders: _none, ...single } = restEvent(ANN, {
    headers: rpcHeaders,
    body: message("list_providers"),
  });
  expect(await send(single)).toMatchObject({ statusCode: 200 });
});

test("a store that cannot be reached is an error that can be retried", async () => {
  const alone = await cloud.deployForTest(ENTRY, {
    AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
    AWS_MAX_ATTEMPTS: "1",
  });
  const { json } = await send(restEvent(ANN, { headers: rpcHeaders, body: message("list_tasks") }), alone);
  expect(JSON.stringify(json)).toContain("platform.store_unavailable");
});

test("progress is streamed, and who leaves ends the wait", async () => {
  const taskId = await aTaskOf(`${ROLE}/deployer`);
  const left = () => mcp.logged().filter(({ message }) => String(message).startsWith("the caller left")).length;
  const before = left();
  const leaving = new AbortController();
  const response = await as(ANN)(api.url, {
    method: "POST",
    headers: Object.entries(rpcHeaders).map(([name, [value = ""]]) => [name, value] as [string, string]),
    body: message("wait_for_task", { task_id: taskId, timeout_seconds: 45 }, 7, { progressToken: "p" }),
    signal: leaving.signal,
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const timestamp = new Date().toISOString();
  let sequence = 100;
  const job = setInterval(
    () => void cloud.store.change(taskId, (task) => ({ ...task, progress: { sequence: ++sequence, timestamp } })),
    50,
  );
  onTestFinished(() => clearInterval(job));
  let seen = "";
  for await (const chunk of response.body ?? []) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes("notifications/progress")) break;
  }
  leaving.abort();
  await expect.poll(left, { timeout: 10_000 }).toBe(before + 1);
});

test("log lines are structured, know their request, and hold nothing of what was sent", async () => {
  const secret = "a text that only the caller knows";
  const body = message("dispatch_task", { provider: "aws", input: { env: { A: secret } }, unknown: secret });
  await send(restEvent(ANN, { headers: { ...rpcHeaders, authorization: [secret] }, body }));
  await send(restEvent(ANN, { headers: { ...rpcHeaders, authorization: [secret], accept: [secret] }, body }));
  // Lines of metrics have a form of their own.
  const lines = mcp.logged().filter((line) => !("_aws" in line));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines)
    expect(line).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      level: expect.stringMatching(/^(DEBUG|INFO|WARN|ERROR)$/),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      message: expect.any(String),
    });
  expect(JSON.stringify(lines)).not.toContain(secret);
});

test.each([
  ["AGENTDISPATCH_TABLE", { AGENTDISPATCH_TABLE: "" }],
  ["AGENTDISPATCH_STATE_MACHINE_ARN", { AGENTDISPATCH_STATE_MACHINE_ARN: "" }],
])("a function without %s does not start, and says so", async (name, env) => {
  const broken = await cloud.deployForTest(ENTRY, env);
  await expect(broken.invoke({})).rejects.toThrow(`${name} is not set`);
});

/** A task of that owner that nobody works on. */
async function aTaskOf(owner: string): Promise<string> {
  const task = makeTask({ owner, backend: "aws-agentcore", provider: "aws", status: "provisioning" });
  await cloud.store.create(task);
  return task.id;
}

test("resources and prompts are there in a function too, and a resource of somebody else is not", async () => {
  const client = await connect(api.url, revisions[0], as(ANN));
  const args = { runtime: "research", instruction: "Look around.", context: { topic: "moss" } };
  const { structured } = await client.call("spawn_cloud_agent", args);
  const uri = `task://${structured?.taskId}`;
  const ask = async (who: string, method: string, params: Json = {}) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    return (await send(restEvent(who, { headers: rpcHeaders, body }))).json;
  };
  expect(await ask(ANN, "resources/list")).toMatchObject({
    result: { resources: expect.arrayContaining([expect.objectContaining({ uri })]) },
  });
  const { result } = (await ask(ANN, "resources/read", { uri })) as { result: { contents: { text: string }[] } };
  expect(JSON.parse(result.contents[0]?.text ?? "")).toMatchObject({ id: structured?.taskId, status: "provisioning" });
  expect(await ask(BOB, "resources/read", { uri })).toMatchObject({ error: { code: -32_002, data: { uri } } });
  expect(await ask(ANN, "prompts/list")).toMatchObject({ result: { prompts: [{ name: "dispatch-work" }] } });
});

describe("the agent of a task", () => {
  const AGENT_ROLE = "arn:aws:iam::123456789012:role/agent-dispatch-worker";
  const AGENT = `${ROLE}/agent-dispatch-worker/session-1`;
  const OWNER = `${ROLE}/deployer`;
  const RUNNING = { status: "running", profile: "lead" } as const;

  /** A task whose agent was handed a token, and that. */
  async function begun(fields: TaskFields = {}, executionRoleArn = AGENT_ROLE) {
    const id = newTaskId();
    const token = `${id}.${randomBytes(32).toString("hex")}`;
    const tokens = [createHash("sha256").update("another attempt").digest("hex")];
    tokens.push(createHash("sha256").update(token).digest("hex"));
    const runtimeArn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/theirs-AbCdEf1234";
    await cloud.store.create(
      makeTask({
        id,
        owner: OWNER,
        taskType: "agent.run",
        backend: "aws-agentcore",
        backendName: "agentcore-dev",
        provider: "aws",
        target: { mode: "session", details: { runtimeArn, executionRoleArn } },
        session: { id: `session-of-${id}`, state: "open", inFlight: {}, tokens },
        ...RUNNING,
        ...fields,
      }),
    );
    return { id, token };
  }

  const sendAs = (principal: string, token: string[] | undefined, body = message("list_tasks")) =>
    send(restEvent(principal, { headers: { ...rpcHeaders, ...(token && { "X-AgentDispatch-Task": token }) }, body }));
  const refusal = (code: string, text: RegExp) => ({
    statusCode: 403,
    json: { id: null, error: { message: expect.stringMatching(text), data: { code, hint: expect.any(String) } } },
  });

  test("who has its role and no token is nobody", async () => {
    for (const body of [message("list_tasks"), JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" })])
      expect(await sendAs(AGENT, undefined, body)).toMatchObject(
        refusal("caller.token_missing", /the header x-agentdispatch-task is missing/),
      );
    // So is who has the role of another runtime that the configuration names.
    expect(await sendAs(`${ROLE}/agents/session-2`, undefined)).toMatchObject(
      refusal("caller.token_missing", /the role of agents/),
    );
  });

  test("dispatches its task's children, as its owner, and sees nothing else", async () => {
    const other = await aTaskOf(OWNER);
    const { id, token } = await begun();
    const place = { runtime: "research", instruction: "Look around.", context: { topic: "moss" } };
    const { json } = await sendAs(AGENT, [token], message("spawn_cloud_agent", place));
    const [taskId] = /task_[0-9a-f]{32}/.exec(JSON.stringify(json)) ?? [];
    expect(await cloud.store.get(String(taskId))).toMatchObject({ parent: id, root: id, depth: 1, owner: OWNER });
    const listed = await sendAs(AGENT, [token]);
    expect(listed).toMatchObject({
      statusCode: 200,
      json: { result: { structuredContent: { items: [{ id: taskId }] } } },
    });
    for (const [tool, task] of [
      ["get_task_status", other],
      ["cancel_task", other],
      ["cancel_task", id],
    ] as const)
      expect((await sendAs(AGENT, [token], message(tool, { task_id: task }))).content).toContain("task.not_found");
    expect((await sendAs(AGENT, [token], message("stop_all"))).content).toContain("is not for the agent of a task");
    const elsewhere = message("spawn_cloud_agent", { ...place, metadata: { parentTaskId: other } });
    expect((await sendAs(AGENT, [token], elsewhere)).content).toContain("policy.denied");
  });

  test("a forged token, half of one, and that of another task are none", async () => {
    const [{ id, token }, { id: other }] = [await begun(), await begun()];
    const secret = token.split(".")[1] ?? "";
    const hash = createHash("sha256").update(token).digest("hex");
    const given = [`${id}.${"0".repeat(64)}`, `${other}.${secret}`, `${newTaskId()}.${secret}`, `${id}.${hash}`];
    given.push(id, secret, "", `${token}0`, token.toUpperCase(), `adt_${id.slice(5)}_${secret}`);
    for (const each of given)
      expect(await sendAs(AGENT, [each]), each).toMatchObject(
        refusal("caller.token_refused", /^no task has this token$/),
      );
    expect(await sendAs(AGENT, [token, token])).toMatchObject(refusal("caller.token_refused", /no task/));
    expect((await sendAs(AGENT, [token])).statusCode).toBe(200);
  });

  test("its token is of no use to anybody without its role", async () => {
    const { token } = await begun();
    const named = "arn:aws:iam::123456789012:role/teams/a/agents";
    const { token: elsewhere } = await begun({}, named);
    const refused = refusal("caller.token_refused", /this caller has not the role/);
    const strangers = [
      ANN,
      BOB,
      `${ROLE}/agents/session-2`,
      "arn:aws:sts::210987654321:assumed-role/agent-dispatch-worker/session-1",
    ];
    for (const principal of strangers) expect(await sendAs(principal, [token]), principal).toMatchObject(refused);
    expect(await sendAs(AGENT, [elsewhere])).toMatchObject(refused);
    expect((await sendAs(`${ROLE}/agents/session-2`, [elsewhere])).statusCode).toBe(200);
  });

  test("its token is good as long as the task is not over, and its profile may dispatch", async () => {
    for (const status of ["succeeded", "failed", "cancelled"] as const) {
      const { token } = await begun({ status });
      expect(await sendAs(AGENT, [token])).toMatchObject(refusal("caller.token_refused", /is over$/));
    }
    const { token } = await begun({ profile: "research" });
    expect(await sendAs(AGENT, [token])).toMatchObject(refusal("caller.token_refused", /may not dispatch any more$/));
  });

  test("nothing of its token is in the log", async () => {
    const { token } = await begun();
    for (const each of [token, token.replace("task_", "task_0")]) await sendAs(AGENT, [each]);
    expect(JSON.stringify(mcp.logged())).not.toContain(token.split(".")[1]);
  });
});
