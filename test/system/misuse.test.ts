/** What somebody with a valid key of their own might try on what is another's, through the real endpoint: each is denied. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { TASK_TAG } from "../../lib/contract/runtimes.ts";
import type { Json } from "../../lib/contract/task.ts";
import { signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { problemOf } from "../mcp/clients.ts";
import { openOlderClient } from "../mcp/task-clients.ts";
import { cloudConfiguration, cloudUnderTest, type OpenedCloud, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";

let cloud: CloudSystem;
let victim: OpenedCloud;
let thief: OpenedCloud;
/** Of the victim: a task with a file, that file's address, and one that runs. */
let done: string;
let address: URL;
let running: string;
const later: (() => void | Promise<void>)[] = [];
const atEnd = (work: () => void | Promise<void>) => void later.push(work);

beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
  const system = cloudUnderTest(() => cloud);
  [victim, thief] = await Promise.all([system.open({ atEnd }), system.open({ atEnd })]);
  const job = { command: 'echo secret > "$AGENTDISPATCH_ARTIFACTS_DIR/secret.txt"', shell: true };
  done = await victim.client.command(job, { idempotency_key: "mine" });
  await victim.client.ended(done);
  const { artifacts } = (await victim.client.must("get_task_result", { task_id: done })) as { artifacts: Json[] };
  address = new URL(String(artifacts[0]?.uri));
  running = await victim.client.command("sleep 600");
  await victim.client.until(running, ({ status }) => status === "running");
});
afterAll(async () => {
  for (const work of later.reverse()) await work();
  await cloud?.[Symbol.asyncDispose]();
});

const code = async (tool: string, args: Json) => problemOf(await thief.client.call(tool, args)).code;
const dispatch = (place: Json) => ({ ...thief.client.commandCall({ command: "true" }), ...place });

it.each([
  ["get_task_status", {}],
  ["get_task_result", {}],
  ["get_task_logs", {}],
  ["wait_for_task", { timeout_seconds: 1 }],
  ["cancel_task", {}],
  ["send_task_input", { message: "hello" }],
  ["a2a_send", { text: "hello" }],
])("another owner's task, by %s: the endpoint", async (tool, args) => {
  expect(await code(tool, { task_id: running, ...args })).toBe("task.not_found");
  expect(await code(tool, { task_id: done, ...args })).toBe("task.not_found");
});

it("a forged id of a task: the endpoint", async () => {
  expect(await code("get_task_result", { task_id: `task_${randomBytes(16).toString("hex")}` })).toBe("task.not_found");
  for (const id of [`${done}0`, "task_*", "../TASK", `${done}#LOG`])
    expect(await code("get_task_result", { task_id: id })).toMatch(/^(input\.invalid|task\.not_found)$/);
});

it("another owner's task of MCP: the endpoint", async () => {
  const client = await openOlderClient({ url: cloud.url, identity: signingFetch(thief.caller) }, onTestFinished);
  const { tasks } = client.experimental;
  await expect(tasks.getTask(running)).rejects.toThrow(/no task/i);
  await expect(tasks.getTaskResult(done)).rejects.toThrow(/no task/i);
  await expect(tasks.cancelTask(running)).rejects.toThrow(/no task/i);
  expect((await tasks.listTasks()).tasks).toEqual([]);
});

it("the cursor of another owner's list: the endpoint", async () => {
  const { cursor } = await victim.client.must("list_tasks", { limit: 1 });
  expect(cursor).toEqual(expect.any(String));
  const reply = await thief.client.call("list_tasks", { cursor });
  const ids = reply.isError ? [] : ((reply.structured?.items ?? []) as Json[]).map(({ id }) => id);
  expect(ids).toEqual([]);
});

it("another owner's key of idempotency, parent and conversation: the endpoint", async () => {
  const own = await thief.client.command("true", { idempotency_key: "mine", metadata: { parentTaskId: running } });
  expect(own).not.toBe(done);
  expect(await thief.client.ended(own)).not.toHaveProperty("parent");
  const { conversation } = await victim.client.must("spawn_cloud_agent", { instruction: "hello", framework: "echo" });
  expect(conversation).toEqual(expect.any(String));
  expect(await code("spawn_cloud_agent", { instruction: "go on", framework: "echo", conversation })).toBe(
    "conversation.not_found",
  );
});

it("an address of a file that was changed: S3, by its signature", async () => {
  expect((await fetch(address)).status).toBe(200);
  const changed = (change: (url: URL) => void): URL => {
    const url = new URL(address);
    change(url);
    return url;
  };
  const forged = [
    changed((url) => (url.pathname = url.pathname.replace(done, running))),
    changed((url) => (url.pathname = url.pathname.replace(/[0-9a-f]{64}$/, "0".repeat(64)))),
    changed((url) => url.searchParams.set("X-Amz-Expires", "604800")),
    changed((url) => url.searchParams.set("X-Amz-Signature", "0".repeat(64))),
    changed((url) => url.searchParams.delete("X-Amz-Signature")),
  ];
  for (const url of forged) expect((await fetch(url)).status).toBe(403);
  for (const method of ["PUT", "DELETE"]) expect((await fetch(address, { method })).status).toBe(403);
});

it("the address of an upload, for another task or another content: S3, by its signature", async () => {
  type Upload = { op?: string; targets?: { url: string; headers: Record<string, string> }[] };
  const upload = cloud.emulator.calls.map(({ body }) => body as Upload).find(({ op }) => op === "upload");
  const [target] = upload?.targets ?? [];
  if (!target) throw new Error("no file was uploaded");
  const put = (url: URL, body: string) => fetch(url, { method: "PUT", headers: target.headers, body });
  const elsewhere = new URL(target.url);
  elsewhere.pathname = elsewhere.pathname.replace(done, running);
  expect((await put(elsewhere, "secret\n")).status).toBe(403);
  expect((await put(new URL(target.url), "forged\n")).status).toBe(400);
  expect(await (await fetch(address)).text()).toBe("secret\n");
});

const arn = "arn:aws:bedrock-agentcore";
it.each([
  ["a role outside the allow-list", "runtime", { executionRoleArn: "arn:aws:iam::123456789012:role/admin" }],
  ["a role of another account", "runtime", { executionRoleArn: "arn:aws:iam::210987654321:role/worker" }],
  ["an image outside the allow-list", "runtime", { ecrImageUri: "public.ecr.aws/evil/worker:1" }],
  [
    "another stack's runtime",
    "session",
    { runtimeArn: `${arn}:us-west-2:123456789012:runtime/shared_other-AbCdEf1234` },
  ],
  [
    "a runtime of another account",
    "session",
    { runtimeArn: `${arn}:us-west-2:210987654321:runtime/shared-AbCdEf1234` },
  ],
  ["a region that nobody named", "session", { region: "eu-north-1" }],
] as const)("%s, named by a caller: the allow-list", async (_, mode, details) => {
  expect(await code("dispatch_task", dispatch(onAws(mode, { target: { mode, details } })))).toBe("policy.denied");
});

it("a runtime that was made for somebody's task, although its name is allowed: its tag", async () => {
  const runtimeArn = cloud.emulator.deploy("strangers", { tags: { [TASK_TAG]: done } });
  const place = onAws("session", { target: { mode: "session", details: { runtimeArn } } });
  const reply = await thief.client.call("spawn_cloud_agent", { instruction: "ask", ...place });
  const record = reply.isError ? {} : await thief.client.ended(String(reply.structured?.taskId));
  const { code: why } = reply.isError ? problemOf(reply) : (record.error as Json);
  expect(why).toBe("policy.denied");
});

it("a session whose machine another boot has, by a forged boot id: the worker", async () => {
  const { runtimeSessionId, runtimeArn } = (await victim.client.status(running)).providerRefs as Record<string, string>;
  const container = await cloud.emulator.machines.of(`${runtimeArn}/${runtimeSessionId}`, {});
  const answer = await fetch(new URL("/invocations", container), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      contract: "agentdispatch/1",
      op: "cancel",
      bootId: "forged",
      taskId: running,
      graceSeconds: 0,
    }),
  });
  expect(await answer.text()).toContain("worker.replaced");
  expect(await victim.client.status(running)).toMatchObject({ status: "running" });
});

it("nothing of it made a function do what the stack's policies do not allow", async () => {
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
});
