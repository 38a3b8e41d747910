/** Turns of one conversation through the whole system, with a framework that remembers, and what keeps it from its memory. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { fixture } from "../worker/start-worker.ts";
import { type SystemClient, startSystem, temporaryFolder } from "./system.ts";

const remembers = `${process.execPath} ${fixture("agent-remembers.mjs")}`;

async function open() {
  const folder = temporaryFolder(onTestFinished);
  const start = () =>
    startSystem(folder, {
      limits: { graceSeconds: 1 },
      env: { AGENTDISPATCH_FRAMEWORK_COMMAND_REMEMBERS: remembers },
    });
  const system = await start();
  return { folder, start, ...system, ...turns(system.client) };
}

function turns(client: SystemClient) {
  const spawn = async (instruction: string, conversation?: unknown, more: Json = {}) => {
    const goesOn = conversation === undefined ? { framework: "remembers" } : { conversation };
    const handle = await client.must("spawn_cloud_agent", { instruction, ...goesOn, ...more });
    return handle as { taskId: string; conversation: string };
  };
  const answer = async (taskId: string) => {
    const { status, result, error } = await client.ended(taskId);
    return { status, answer: (result as Json | undefined)?.output, error };
  };
  return { spawn, answer, say: async (...call: Parameters<typeof spawn>) => answer((await spawn(...call)).taskId) };
}

/** What this machine has of conversations is gone, as it is on another one. */
const onAnotherMachine = (folder: string) => rmSync(join(folder, "conversations"), { recursive: true });

test("a turn goes on with what the last one left, here and on another machine, and nobody sees what travels", async () => {
  const { folder, client, spawn, answer, say } = await open();
  const { taskId, conversation } = await spawn("one");
  expect(await answer(taskId)).toMatchObject({ status: "succeeded", answer: "one" });
  expect(await say("two", conversation)).toMatchObject({ answer: "one, two" });
  onAnotherMachine(folder);
  expect(await say("three", conversation)).toMatchObject({ answer: "one, two, three" });
  expect(await say("four", conversation)).toMatchObject({ answer: "one, two, three, four" });
  expect(await say("alone")).toMatchObject({ answer: "alone" });

  const { items } = (await client.must("list_tasks", {})) as { items: Json[] };
  expect(items.slice(1).map((item) => item.conversation)).toEqual(Array(4).fill(conversation));
  for (const { id } of items) {
    const record = await client.status(String(id));
    expect(record.artifactCount).toBeUndefined();
    expect(JSON.stringify(record)).not.toContain("leaving");
    expect(await client.must("get_task_result", { task_id: id })).toMatchObject({ artifacts: [] });
    expect(await client.log(String(id))).toBe("");
  }
});

test("turns that come while one runs run after it, in their order", async () => {
  const { folder, client, spawn, answer } = await open();
  const until = join(folder, "go");
  const first = await spawn("wait", undefined, { context: { until } });
  await client.until(first.taskId, ({ progress }) => progress !== undefined);
  const later = [await spawn("one", first.conversation), await spawn("two", first.conversation)];
  for (const { taskId } of later) expect(await client.status(taskId)).toMatchObject({ status: "queued" });
  writeFileSync(until, "");
  expect(await answer(later[1]?.taskId ?? "")).toMatchObject({ answer: "wait, one, two" });
  expect(await answer(later[0]?.taskId ?? "")).toMatchObject({ answer: "wait, one" });
});

test("the next turn goes on from one that failed, timed out, or was cancelled", async () => {
  const { folder, client, spawn, answer, say } = await open();
  const { taskId, conversation } = await spawn("fail");
  expect(await answer(taskId)).toMatchObject({ status: "failed", answer: "fail" });
  const never = { context: { until: join(folder, "never") } };
  expect(await say("wait long", conversation, { ...never, timeout_seconds: 1 })).toMatchObject({
    status: "failed",
    error: { code: "task.timeout" },
  });
  const cancelled = await spawn("wait for a cancel", conversation, never);
  await client.until(cancelled.taskId, ({ progress }) => progress !== undefined);
  await client.must("cancel_task", { task_id: cancelled.taskId });
  expect(await answer(cancelled.taskId)).toMatchObject({ status: "cancelled" });
  onAnotherMachine(folder);
  expect(await say("end", conversation)).toMatchObject({ answer: "fail, wait long, wait for a cancel, end" });
});

test("the next turn goes on after the worker was killed, and so was the control plane", async () => {
  const { folder, start, client, spawn, kill } = await open();
  const never = { context: { until: join(folder, "never") } };
  const first = await spawn("wait", undefined, never);
  await client.until(first.taskId, ({ progress }) => progress !== undefined);
  const waiting = await spawn("after", first.conversation);
  await kill("SIGKILL");
  for (const pid of workersIn(folder)) process.kill(pid, "SIGKILL");
  const { client: next } = await start();
  expect(await next.ended(first.taskId)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
  expect(await next.ended(waiting.taskId)).toMatchObject({ result: { output: "wait, after" } });
});

test("what is too large is left out, and said", async () => {
  const { folder, client, spawn, answer, say } = await open();
  const { taskId, conversation } = await spawn("large");
  expect(await answer(taskId)).toMatchObject({ status: "succeeded" });
  expect(await client.log(taskId)).toMatch(/left out of the conversation: large\.bin \(larger than/);
  onAnotherMachine(folder);
  expect(await say("small", conversation)).toMatchObject({ answer: "large, small" });
});

test("a turn that cannot have what the last one left says so, and what to do", async () => {
  const { folder, spawn, answer, say } = await open();
  const { taskId, conversation } = await spawn("one");
  await answer(taskId);
  onAnotherMachine(folder);
  for (const path of filesBelow(join(folder, "artifacts", "conversations", "content"))) {
    rmSync(path);
    writeFileSync(path, "something else");
  }
  expect(await say("two", conversation)).toMatchObject({
    status: "failed",
    error: { code: "worker.conversation_lost", hint: expect.stringContaining("leave conversation out") },
  });
});

test("another framework begins afresh, and the log says so", async () => {
  const { folder, client, start, kill, spawn, answer } = await open();
  const { taskId, conversation } = await spawn("one");
  await answer(taskId);
  await kill("SIGTERM");
  const { client: next } = await start();
  const other = await turns(next).spawn("two", conversation, { framework: "echo" });
  expect(await turns(next).answer(other.taskId)).toMatchObject({ answer: expect.stringContaining("two") });
  expect(client).not.toBe(next);
  // And its own finds what it left.
  const again = await turns(next).spawn("three", conversation, { framework: "remembers" });
  expect(await turns(next).answer(again.taskId)).toMatchObject({ answer: "one, three" });
  expect(filesBelow(join(folder, "conversations"))).toContainEqual(expect.stringContaining("memory.txt"));
});

/** A folder with a program `codex` on the PATH that remembers. */
function withCodex() {
  const folder = temporaryFolder(onTestFinished);
  const bin = join(folder, "bin");
  mkdirSync(bin);
  copyFileSync(fixture("codex-remembers.mjs"), join(bin, "codex"));
  chmodSync(join(bin, "codex"), 0o755);
  return { folder, PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}` };
}

test("an agent program goes on after its worker was killed, and in another home", async () => {
  const { folder, PATH } = withCodex();
  const start = async (home: string) => {
    mkdirSync(join(folder, home), { recursive: true });
    const env = { PATH, HOME: join(folder, home) };
    const system = await startSystem(folder, { limits: { graceSeconds: 1 }, env });
    return { ...system, ...turns(system.client) };
  };
  const { client, spawn, answer, kill } = await start("here");
  const { taskId, conversation } = await spawn("one", undefined, { framework: "codex" });
  expect(await answer(taskId)).toMatchObject({ status: "succeeded", answer: "one" });
  const killed = await spawn("wait", conversation);
  await client.until(killed.taskId, hasSpoken);
  for (const pid of workersIn(folder)) process.kill(pid, "SIGKILL");
  expect(await client.ended(killed.taskId)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
  expect(await turns(client).say("two", conversation)).toMatchObject({ answer: "one, wait, two" });
  await kill("SIGTERM");

  const there = await start("there");
  expect(await there.say("three", conversation)).toMatchObject({ answer: "one, wait, two, three" });
  await there.kill("SIGTERM");
  // What is here is not what came last.
  const back = await start("here");
  expect(await back.say("four", conversation)).toMatchObject({ answer: "one, wait, two, three, four" });
});

test("the first turn of a program is gone on with, although its worker was killed at once", async () => {
  const { folder, PATH } = withCodex();
  const env = { PATH, HOME: folder };
  const { client } = await startSystem(folder, { limits: { graceSeconds: 1 }, env });
  const { spawn, say } = turns(client);
  const { taskId, conversation } = await spawn("wait", undefined, { framework: "codex" });
  await client.until(taskId, hasSpoken);
  for (const pid of workersIn(folder)) process.kill(pid, "SIGKILL");
  await client.ended(taskId);
  expect(await say("two", conversation)).toMatchObject({ answer: "wait, two" });
});

const hasSpoken = ({ logLength }: Json) => Number(logLength) > 0;

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** The worker processes of a state folder. */
function workersIn(folder: string): number[] {
  const addresses = filesBelow(join(folder, "workers")).filter((path) => path.endsWith(".json"));
  return addresses.map((path) => (JSON.parse(readFileSync(path, "utf8")) as { pid: number }).pid);
}
