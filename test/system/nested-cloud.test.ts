/** What agents dispatch in the cloud as it is deployed: real functions and workers, the bridge between them, and every service of AWS emulated. */
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Json } from "../../lib/contract/task.ts";
import { TASK_HEADER } from "../../lib/contract/tokens/task-token.ts";
import { type Caller, REGION, signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { listen } from "../emulators/requests/listen.ts";
import { witnessed } from "../emulators/requests/witness.ts";
import { Policies } from "../infra/policies.ts";
import { problemOf } from "../mcp/clients.ts";
import { cloudUnderTest, type OpenedCloud, onAws } from "./cloud-under-test.ts";
import { forbidden } from "./permissions.ts";

const fixture = join(import.meta.dirname, "../fixtures/agent-dispatches.mjs");
const environment = { AGENTDISPATCH_FRAMEWORK_COMMAND_NESTED: `${process.execPath} ${fixture}` };
const AGENT = "arn:aws:sts::123456789012:assumed-role/worker/agentcore-session";
const STRANGER = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/strangers-AbCdEf1234";

const nested = { framework: "nested", target: { mode: "runtime", details: { environment } } } as const;
const runtimes = {
  lead: { backend: "agentcore", ...nested, mayDispatch: true },
  shallow: { backend: "agentcore", ...nested, mayDispatch: true, limits: { maxDepth: 1 } },
  alone: { backend: "agentcore", ...nested },
  leaf: { backend: "agentcore", target: { mode: "session" }, framework: "echo" },
  unknown: { backend: "bare", target: { mode: "session" }, framework: "nested", mayDispatch: true },
  stranger: {
    backend: "agentcore",
    target: { mode: "session", details: { runtimeArn: STRANGER, contract: "none" } },
    mayDispatch: true,
  },
} satisfies ConfigurationInput["runtimes"];
const configuration = {
  backends: { bare: { adapter: "aws-agentcore", account: "aws", details: { runtimeArn: STRANGER } } },
  runtimes,
  defaults: { runtime: "leaf", limits: { maxRunning: 50, graceSeconds: 1 } },
  allowed: { runtimes: ["arn:aws:bedrock-agentcore:*:*:runtime/strangers-*"] },
} satisfies ConfigurationInput;

let cloud: CloudSystem;
let owner: OpenedCloud;
/** The role of the workers, as it is in their containers. */
let agent: Caller;
const later: (() => void | Promise<void>)[] = [];
const atEnd = (work: () => void | Promise<void>) => void later.push(work);

beforeAll(async () => {
  cloud = await openCloudSystem(() => configuration);
  agent = cloud.admit(AGENT);
  // What a container has of its role: an address that gives credentials. https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
  const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = agent;
  const Expiration = new Date(Date.now() + 3_600_000).toISOString();
  const credentials = JSON.stringify({ AccessKeyId, SecretAccessKey, Token: "worker", Expiration });
  const { endpoint, close } = await listen(createServer((_, response) => void response.end(credentials)));
  atEnd(close);
  Object.assign(cloud.emulator.workerEnv, {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/role`,
    AWS_REGION: REGION,
    // Somebody else's, which whatever runs there has: the bridge must not take it.
    AWS_ACCESS_KEY_ID: "AKIASOMEBODY",
    AWS_SECRET_ACCESS_KEY: "something",
  });
  owner = await cloudUnderTest(() => cloud).open({ atEnd });
});
afterAll(async () => {
  for (const work of later.reverse()) await work();
  await cloud?.[Symbol.asyncDispose]();
});

type Steps = readonly (readonly [tool: string, given: Json | string])[];
type Said = { server?: { args: string[]; env: Record<string, string> }; answers: Json[] };

/** Dispatches an agent that takes these steps; resolves with the id of its task. */
async function begin(steps: Steps, runtime: keyof typeof runtimes = "lead"): Promise<string> {
  const { taskId } = await owner.client.must("spawn_cloud_agent", { instruction: JSON.stringify(steps), runtime });
  return String(taskId);
}

/** What it said once it has ended. */
async function saidBy(id: string): Promise<Said> {
  const record = await owner.client.ended(id);
  expect(record).toMatchObject({ status: "succeeded" });
  return JSON.parse((record.result as { output: string }).output) as Said;
}

const spawn = (instruction: string, more: Json = {}) =>
  ["spawn_cloud_agent", { instruction, runtime: "leaf", ...more }] as const;
const waitFor = (id: string) => ["wait_for_task", { task_id: id, timeout_seconds: 40 }] as const;
const never: Steps = [["until", "/nowhere/never"]];

/** What the endpoint says to a call of that principal. */
async function asking(who: Caller, token?: string): Promise<{ status: number; code: unknown }> {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "list_tasks", arguments: {} },
  });
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2025-11-25",
    ...(token !== undefined && { [TASK_HEADER]: token }),
  };
  const answer = await signingFetch(who)(cloud.url, { method: "POST", headers, body });
  const { error } = (await answer.json()) as { error?: { data?: Json } };
  return { status: answer.status, code: error?.data?.code };
}

/** The tokens that workers were handed for a task. */
const handedOver = (id: string): string[] =>
  cloud.emulator.calls.flatMap(({ body }) => {
    const { op, taskId, dispatching } = (body ?? {}) as {
      op?: string;
      taskId?: string;
      dispatching?: { token: string };
    };
    return op === "start" && taskId === id && dispatching ? [dispatching.token] : [];
  });

describe("the agent of a task whose profile may dispatch", () => {
  test("dispatches children of that task by the bridge, waits for them, and reads what they say", async () => {
    const own = await owner.client.must("spawn_cloud_agent", { instruction: "of the owner alone", runtime: "leaf" });
    const task_id = String(own.taskId);
    const id = await begin([
      spawn("one"),
      spawn("two"),
      waitFor("$0"),
      waitFor("$1"),
      ["get_task_result", { task_id: "$1" }],
      ["list_tasks", {}],
      ["get_task_status", { task_id }],
      ["cancel_task", { task_id }],
      spawn("elsewhere", { metadata: { parentTaskId: task_id } }),
      ["stop_all", {}],
    ]);
    const { answers } = await saidBy(id);
    const [one, two] = answers.slice(0, 2).map(({ taskId }) => taskId);
    for (const ended of answers.slice(2, 4))
      expect(ended).toMatchObject({ status: "succeeded", parent: id, depth: 1, owner: expect.stringMatching(/role-/) });
    expect(JSON.stringify(answers[4])).toContain("two");
    const { items } = answers[5] as { items: Json[] };
    expect(items.map((item) => item.id).sort()).toEqual([one, two].sort());
    expect(answers[6]).toMatchObject({ error: { code: "task.not_found" } });
    expect(answers[7]).toMatchObject({ error: { code: "task.not_found" } });
    expect(answers[8]).toMatchObject({ error: { code: "policy.denied" } });
    expect(answers[9]?.refused).toMatch(/is not for the agent of a task/);
    // They are the owner's, like their parent.
    expect(await owner.client.status(String(one))).toMatchObject({ parent: id, depth: 1 });
    expect(await owner.client.ended(task_id)).toMatchObject({ status: "succeeded" });
  });

  test("is held to the depth of its tree, whatever its child says", async () => {
    const below = JSON.stringify([spawn("too deep")]);
    const id = await begin([spawn(below, { runtime: "lead" }), waitFor("$0")], "shallow");
    const { answers } = await saidBy(id);
    const child = JSON.parse(((answers[1] as Json).result as { output: string }).output) as Said;
    expect(child.answers[0]).toMatchObject({
      error: { code: "tree.limit", message: expect.stringContaining("maxDepth") },
    });
  });

  test("takes its children along when its task is cancelled, and its token opens nothing any more", async () => {
    const id = await begin([spawn(JSON.stringify(never), { runtime: "lead" }), ...never]);
    const childOf = async () => {
      const { items } = (await owner.client.must("list_tasks", {})) as { items: Json[] };
      return items.find(({ parent, status }) => parent === id && status === "running");
    };
    let child = await childOf();
    while (!child) {
      await owner.client.must("wait_for_task", { task_id: id, timeout_seconds: 0.2 });
      child = await childOf();
    }
    const [token, ...others] = handedOver(id);
    expect(others).toEqual([]);
    expect(await asking(agent, token)).toEqual({ status: 200, code: undefined });
    await owner.client.must("cancel_task", { task_id: id });
    expect(await owner.client.ended(id)).toMatchObject({ status: "cancelled" });
    expect(await owner.client.ended(String(child.id))).toMatchObject({ status: "cancelled" });
    for (const each of [token, ...handedOver(String(child.id))])
      expect(await asking(agent, each)).toEqual({ status: 403, code: "caller.token_refused" });
  });
});

test("an agent whose profile may not dispatch is given nothing, and its role opens nothing", async () => {
  const id = await begin([spawn("part")], "alone");
  expect(await saidBy(id)).toEqual({ answers: [] });
  expect(handedOver(id)).toEqual([]);
  expect(await asking(agent)).toEqual({ status: 403, code: "caller.token_missing" });
});

test("a token is in nothing that is kept, shown or logged, and is of no use to anybody else", async () => {
  const id = await begin(never);
  await owner.client.until(id, ({ status }) => status === "running");
  const [token = ""] = handedOver(id);
  const secret = token.split(".")[1] ?? "none";
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  const shown = [await owner.client.status(id), await owner.client.log(id), await owner.client.events(id)];
  expect(JSON.stringify(shown)).not.toContain(secret);
  expect(await owner.content()).not.toContain(secret);
  const logged = Object.values(cloud.functions).map((each) => each.logged());
  expect(logged.flat().length).toBeGreaterThan(0);
  expect(JSON.stringify(logged)).not.toContain(secret);
  const refused = { status: 403, code: "caller.token_refused" };
  expect(await asking(owner.caller, token)).toEqual(refused);
  expect(await asking(cloud.admit(), token)).toEqual(refused);
  expect(await asking(agent, token.replace(secret, "0".repeat(64)))).toEqual(refused);
  expect(await asking(agent, token)).toEqual({ status: 200, code: undefined });
  await owner.client.must("cancel_task", { task_id: id });
  await owner.client.ended(id);
});

test("an agent that may dispatch is begun nowhere else than where it can", async () => {
  const stranger = await owner.client.call("spawn_cloud_agent", { instruction: "x", runtime: "stranger" });
  expect(problemOf(stranger)).toMatchObject({
    code: "adapter.unsupported",
    message: expect.stringContaining("without the worker contract"),
  });
  // Of this one the platform alone knows it.
  const asked: string[] = [];
  const runtimeArn = cloud.emulator.deploy("strangers", {
    contractLess(request, response) {
      asked.push(request.toString());
      response.end("{}");
    },
  });
  const place = onAws("session", { target: { mode: "session", details: { runtimeArn } } });
  const given = { instruction: "x", runtime: "lead", framework: "nested", ...place };
  const { taskId } = await owner.client.must("spawn_cloud_agent", given);
  expect(await owner.client.ended(String(taskId))).toMatchObject({ error: { code: "adapter.unsupported" } });
  expect(asked).toEqual([]);
  // Nobody says whose agent it would be that calls from there.
  const unknown = await owner.client.call("spawn_cloud_agent", { instruction: "x", runtime: "unknown" });
  expect(problemOf(unknown)).toMatchObject({
    code: "task.target_incomplete",
    hint: expect.stringContaining("executionRoleArn"),
  });
});

test("nothing is left behind, and nothing was done that the stack's policies do not allow", async () => {
  const { table, bucket, deployed } = cloud;
  const tableArn = `arn:aws:dynamodb:us-west-2:123456789012:table/${table}`;
  const policies = await Policies.of(configuration, { tableArn, bucket, ...deployed });
  await cloud.dropRuntimes();
  await expect.poll(() => cloud.emulator.inventory, { timeout: 60_000 }).toEqual({ runtimes: [], sessions: [] });
  expect(forbidden(policies)).toEqual([]);
  // The bridge has called with the role of its container.
  const called = [...(witnessed.get("worker")?.values() ?? [])].map(({ action }) => action);
  expect(called).toEqual(["execute-api:Invoke"]);
});
