/** What an agent dispatches that its profile lets dispatch: its own task's children, and nothing else. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import type { McpServer } from "../../lib/contract/worker.ts";
import { type AtEnd, problemOf } from "../mcp/clients.ts";
import { type RunningSystem, startSystem, temporaryFolder } from "./system.ts";

const fixture = join(import.meta.dirname, "../fixtures/agent-dispatches.mjs");
const RUNTIME = "arn:aws:bedrock-agentcore:us-west-2:111122223333:runtime/worker-0123456789";
const here = { backend: "here", framework: "nested" };
const configuration = {
  accounts: { local: { provider: "local" }, cloud: { provider: "aws", region: "us-west-2" } },
  backends: {
    here: { adapter: "local-process", account: "local" },
    cloud: { adapter: "aws-agentcore", account: "cloud", details: { runtimeArn: RUNTIME } },
  },
  runtimes: {
    lead: { ...here, mayDispatch: true },
    shallow: { ...here, mayDispatch: true, limits: { maxDepth: 1 } },
    alone: here,
    leaf: { backend: "here", framework: "echo" },
  },
  defaults: { runtime: "leaf" },
};
const env = { AGENTDISPATCH_FRAMEWORK_COMMAND_NESTED: `${process.execPath} ${fixture}` };
const ends: Parameters<AtEnd>[0][] = [];
const atEnd: AtEnd = (work) => void ends.unshift(work);

let system: RunningSystem;
let folder: string;

beforeAll(async () => {
  folder = temporaryFolder(atEnd);
  system = await startSystem(folder, { configuration, env, prewarm: false, atEnd });
});

afterAll(async () => {
  for (const end of ends) await end();
});

type Steps = readonly (readonly [tool: string, given: Json | string])[];
type Said = { server?: McpServer & { env: Record<string, string> }; answers: Json[] };

/** Dispatches an agent that takes these steps; resolves with the id of its task. */
async function begin(steps: Steps, runtime = "lead"): Promise<string> {
  const { taskId } = await system.client.must("spawn_cloud_agent", { instruction: JSON.stringify(steps), runtime });
  return String(taskId);
}

/** What it said once it has ended. */
async function saidBy(id: string): Promise<Said> {
  const record = await system.client.ended(id);
  expect(record).toMatchObject({ status: "succeeded" });
  return JSON.parse((record.result as { output: string }).output) as Said;
}

const spawnLeaf = (instruction: string, more: Json = {}) =>
  ["spawn_cloud_agent", { instruction, runtime: "leaf", ...more }] as const;
const waitFor = (id: string) => ["wait_for_task", { task_id: id, timeout_seconds: 40 }] as const;

/** The answer of the door to a call with that token. */
async function withToken(token: string, path = "/mcp", method = "POST"): Promise<{ status: number; message: string }> {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "list_tasks", arguments: {} },
  });
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const response = await fetch(new URL(path, system.url), { method, headers, ...(method === "POST" && { body }) });
  const { error } = (await response.json()) as { error?: { message: string } };
  return { status: response.status, message: error?.message ?? "" };
}

describe("the agent of a task whose profile may dispatch", () => {
  test("dispatches children of that task, without any variable that says which it is", async () => {
    const id = await begin([spawnLeaf("part"), waitFor("$0"), ["list_tasks", {}]]);
    const { answers } = await saidBy(id);
    const [child, ended, listed] = answers as [Json, Json, { items: Json[] }];
    expect(ended).toMatchObject({ status: "succeeded", parent: id, depth: 1 });
    expect(listed).toMatchObject({ items: [{ id: child.taskId, parent: id }] });
    expect(await system.client.status(String(child.taskId))).toMatchObject({ parent: id, depth: 1 });
  });

  test("reaches nothing outside of its tree, above it, or of its owner's alone", async () => {
    const other = await system.client.must("spawn_cloud_agent", { instruction: "of another tree", runtime: "leaf" });
    const [task_id, conversation] = [String(other.taskId), String(other.conversation)];
    await system.client.ended(task_id);
    const id = await begin([
      ["get_task_status", { task_id }],
      ["cancel_task", { task_id }],
      ["get_task_result", { task_id }],
      ["dispatch_status", { job_id: task_id }],
      spawnLeaf("go on", { conversation }),
      spawnLeaf("elsewhere", { metadata: { parentTaskId: task_id } }),
      ["list_tasks", {}],
      ["stop_all", {}],
      ["set_admission", { paused: true }],
      ["list_sessions", {}],
      ["get_usage", {}],
      ["add_agent", { name: "mine", workspace: folder }],
      ["dispatch_session", { agent: "leaf", task: "x", session_id: conversation }],
    ]);
    const { answers } = await saidBy(id);
    const codes = answers.slice(0, 6).map(({ error, error_code }) => error_code ?? (error as Json | undefined)?.code);
    const hidden = "task.not_found";
    expect(codes).toEqual([hidden, hidden, hidden, hidden, "conversation.not_found", "policy.denied"]);
    expect(answers[6]).toMatchObject({ items: [] });
    for (const answer of answers.slice(7, 12)) expect(answer.refused).toMatch(/is not for the agent of a task/);
    expect(answers[12]).toMatchObject({ error_code: "conversation.not_found" });
    const { tools } = answers.at(-1) as { tools: string[] };
    expect(tools).toEqual(expect.arrayContaining(["spawn_cloud_agent", "wait_for_task", "cancel_task"]));
    for (const name of ["stop_all", "set_admission", "add_agent", "list_sessions"]) expect(tools).not.toContain(name);
    expect(await system.client.must("list_tasks", {})).not.toMatchObject({ items: [{ summary: "elsewhere" }] });
  });

  test("does not go on with a conversation in which its owner has spoken since, though it began it", async () => {
    const go = join(folder, "go-conversation");
    const id = await begin([
      spawnLeaf("a secret is not told"),
      waitFor("$0"),
      ["until", go],
      spawnLeaf("what was said?", { conversation: "conv$0" }),
    ]);
    const childOf = async (): Promise<Json | undefined> => {
      const { items } = (await system.client.must("list_tasks", {})) as { items: Json[] };
      return items.find(({ parent, status }) => parent === id && status === "succeeded");
    };
    for (;;) {
      const child = await childOf();
      if (child) {
        const { conversation } = child;
        const turn = await system.client.must("spawn_cloud_agent", {
          instruction: "a secret",
          runtime: "leaf",
          conversation,
        });
        await system.client.ended(String(turn.taskId));
        break;
      }
      await system.client.must("wait_for_task", { task_id: id, timeout_seconds: 0.1 });
    }
    writeFileSync(go, "");
    const { answers } = await saidBy(id);
    expect(answers[2]).toMatchObject({ error: { code: "conversation.not_found" } });
  });

  test("is not there for itself, and cancels what it dispatched", async () => {
    const deeper = JSON.stringify([["until", join(folder, "never")]]);
    const id = await begin([
      ["spawn_cloud_agent", { instruction: deeper, runtime: "lead" }],
      ["cancel_task", { task_id: "$0" }],
      ["get_task_status", { task_id: "$0" }],
    ]);
    const { answers } = await saidBy(id);
    expect(["cancelling", "cancelled"]).toContain(answers[2]?.status);
    expect(await system.client.ended(String(answers[0]?.taskId))).toMatchObject({ status: "cancelled" });
  });

  test("dispatches several, which are its task's at the depth that it has", async () => {
    const dispatches = JSON.stringify([
      { agent: "leaf", task: "one" },
      { agent: "leaf", task: "two" },
    ]);
    const id = await begin([["dispatch_parallel", { dispatches }]]);
    const { answers } = await saidBy(id);
    expect(answers[0]).toMatchObject([{ success: true }, { success: true }]);
    const { items } = (await system.client.must("list_tasks", {})) as { items: Json[] };
    const [whole] = items.filter(({ parent }) => parent === id);
    expect(whole).toMatchObject({ taskType: "parallel.run" });
    expect(items.filter(({ parent }) => parent === whole?.id)).toHaveLength(2);
  });

  test("is held to the depth of its tree, whatever its child's environment says", async () => {
    const below = JSON.stringify([spawnLeaf("too deep")]);
    const id = await begin([["spawn_cloud_agent", { instruction: below, runtime: "lead" }], waitFor("$0")], "shallow");
    const { answers } = await saidBy(id);
    const child = JSON.parse(((answers[1] as Json).result as { output: string }).output) as Said;
    expect(child.answers[0]).toMatchObject({
      error: { code: "tree.limit", message: expect.stringContaining("maxDepth") },
    });
  });
});

test("an agent that may dispatch is begun nowhere else than where it can", async () => {
  const place = { account_profile: "cloud", framework: "claude-code", target: { mode: "session" } };
  const reply = await system.client.call("spawn_cloud_agent", { instruction: "x", runtime: "lead", ...place });
  expect(problemOf(reply)).toMatchObject({
    code: "adapter.unsupported",
    message: expect.stringContaining("mayDispatch"),
  });
});

test("a profile that may not dispatch gives its agent nothing", async () => {
  expect(await saidBy(await begin([spawnLeaf("part")], "alone"))).toEqual({ answers: [] });
});

describe("the token of a task", () => {
  test("opens the door while the task runs, and not once it is over", async () => {
    const { server, answers } = await saidBy(await begin([["list_tasks", {}]]));
    expect(answers[0]).toEqual({ items: [] });
    const token = server?.env.AGENTDISPATCH_TASK_TOKEN ?? "";
    expect(token).toMatch(/^adt_/);
    expect(await withToken(token)).toEqual({ status: 401, message: "the task that this token was for is over" });
  });

  test("is that of one task, and nobody else can make it", async () => {
    const go = join(folder, "go");
    const id = await begin([["until", go]]);
    await system.client.until(id, ({ status }) => status === "running");
    const digits = id.replace("task_", "");
    const stranger = { status: 401, message: "the bearer token is not that of this system" };
    for (const mac of ["0".repeat(64), system.token, ""])
      expect(await withToken(`adt_${digits}_${mac}`)).toEqual(stranger);
    writeFileSync(go, "");
    const { server } = await saidBy(id);
    const token = server?.env.AGENTDISPATCH_TASK_TOKEN ?? "";
    // Its proof for another task is none.
    const other = await begin([["until", join(folder, "go-on")]]);
    await system.client.until(other, ({ status }) => status === "running");
    expect(await withToken(token.replace(digits, other.replace("task_", "")))).toEqual(stranger);
    writeFileSync(join(folder, "go-on"), "");
    await saidBy(other);
  });

  test("is in no record, no log and no event of its task, and opens nothing but the endpoint", async () => {
    const go = join(folder, "go-health");
    const id = await begin([["until", go]]);
    await system.client.until(id, ({ status }) => status === "running");
    const record = JSON.stringify([
      await system.client.status(id),
      await system.client.log(id),
      await system.client.events(id),
    ]);
    expect(record).not.toContain("adt_");
    writeFileSync(go, "");
    const { server } = await saidBy(id);
    expect((await withToken(server?.env.AGENTDISPATCH_TASK_TOKEN ?? "", "/health", "GET")).status).toBe(401);
  });
});

test("an agent goes on dispatching after the system was ended and started anew", async () => {
  const place = temporaryFolder();
  const go = join(place, "go");
  const [first, second] = ["before", "after"].map((instruction) => spawnLeaf(instruction));
  const steps = JSON.stringify([first, waitFor("$0"), ["until", go], second, waitFor("$1")]);
  const before = await startSystem(place, { configuration, env, prewarm: false });
  const { taskId } = await before.client.must("spawn_cloud_agent", { instruction: steps, runtime: "lead" });
  const id = String(taskId);
  const children = async ({ client }: RunningSystem) => {
    const { items } = (await client.must("list_tasks", {})) as { items: Json[] };
    return items.filter(({ parent, status }) => parent === id && status === "succeeded");
  };
  while ((await children(before)).length === 0)
    await before.client.must("wait_for_task", { task_id: id, timeout_seconds: 0.1 });
  await before.kill("SIGTERM");
  const after = await startSystem(place, { configuration, env, prewarm: false });
  writeFileSync(go, "");
  expect(await after.client.ended(id)).toMatchObject({ status: "succeeded" });
  expect(await children(after)).toHaveLength(2);
});
