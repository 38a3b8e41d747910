/** What is damaged is said so, and keeps nothing else from going on. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { cli } from "../client/cli/cli.ts";
import { damageTask } from "../fixtures/damage-task.ts";
import { problemOf } from "../mcp/clients.ts";
import { processesOf, startSystem, temporaryFolder } from "./system.ts";

const timeout = 60_000;

it.each([
  ["no JSON", '{"status":"runn'],
  ["JSON of something else", '{"status":"running"}'],
])("a task whose row is %s is set aside, and no other is affected", { timeout }, async (_, body) => {
  const stateDir = temporaryFolder();
  const first = await startSystem(stateDir);
  const ended = await first.client.command("true");
  await first.client.ended(ended);
  const [damagedOpen, damagedEnded] = [await first.client.command("sleep 600"), await first.client.command("true")];
  const healthy = await first.client.command("sleep 600");
  await first.client.ended(damagedEnded);
  for (const id of [damagedOpen, healthy]) await first.client.until(id, ({ status }) => status === "running");
  await first.kill("SIGKILL");
  for (const id of [damagedOpen, damagedEnded]) damageTask(stateDir, id, body);

  const { client } = await startSystem(stateDir);
  const listed = (await client.must("list_tasks", {})).items as Json[];
  expect(listed.map(({ id }) => id)).toEqual([healthy, ended]);
  for (const [tool, id] of [
    ["get_task_status", damagedOpen],
    ["get_task_result", damagedEnded],
    ["cancel_task", damagedOpen],
  ] as const) {
    const problem = problemOf(await client.call(tool, { task_id: id }));
    expect(problem).toMatchObject({ code: "platform.task_unreadable", retryable: false });
    expect(problem.message).toContain(id);
    expect(problem.hint).toBeDefined();
  }
  // Nobody can steer its job any more, so it does not stay.
  await expect.poll(() => processesOf(damagedOpen), { timeout: 20_000 }).toEqual([]);
  await client.must("cancel_task", { task_id: healthy });
  expect(await client.ended(healthy)).toMatchObject({ status: "cancelled" });
});

it("a task that a newer version wrote is left alone, and no other is affected", { timeout }, async () => {
  const stateDir = temporaryFolder();
  const limits = { maxRunning: 2 };
  const first = await startSystem(stateDir, { limits });
  const running = await first.client.command("sleep 600");
  const healthy = await first.client.command("sleep 600");
  for (const id of [running, healthy]) await first.client.until(id, ({ status }) => status === "running");
  const oldest = await first.client.command("true");
  const waiting = await first.client.command("true");
  await expect.poll(() => processesOf(running), { timeout: 20_000 }).not.toEqual([]);
  await first.kill("SIGKILL");
  for (const id of [running, oldest]) damageTask(stateDir, id, JSON.stringify({ version: 1000, another: "form" }));

  const second = await startSystem(stateDir, { limits });
  for (const id of [running, oldest])
    expect(problemOf(await second.client.call("get_task_status", { task_id: id }))).toMatchObject({
      code: "platform.newer_version",
    });
  await second.client.must("cancel_task", { task_id: healthy });
  expect(await second.client.ended(healthy)).toMatchObject({ status: "cancelled" });
  expect(await second.client.ended(waiting)).toMatchObject({ status: "succeeded" });
  expect(await processesOf(running)).not.toEqual([]);
  await second.kill("SIGTERM");
  expect(await processesOf(running)).not.toEqual([]);
});

it("damaged tasks that run and that wait keep nobody from beginning", { timeout }, async () => {
  const stateDir = temporaryFolder();
  const limits = { maxRunning: 1 };
  const first = await startSystem(stateDir, { limits });
  const running = await first.client.command("sleep 600");
  await first.client.until(running, ({ status }) => status === "running");
  const oldest = await first.client.command("true");
  const waiting = await first.client.command("true");
  await first.kill("SIGKILL");
  for (const id of [running, oldest]) damageTask(stateDir, id);

  const { client } = await startSystem(stateDir, { limits });
  expect(await client.ended(waiting)).toMatchObject({ status: "succeeded" });
  expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
});

it("a damaged task keeps no other of its family from its end", { timeout }, async () => {
  const stateDir = temporaryFolder();
  const limits = { maxRunning: 4, graceSeconds: 1 };
  const first = await startSystem(stateDir, { limits });
  let jobs = 600;
  const below = (parentTaskId: string) => first.client.command(`sleep ${++jobs}`, { metadata: { parentTaskId } });
  const parents = [await first.client.command("sleep 600"), await first.client.command("sleep 600")];
  const [healthy = "", damagedParent = ""] = parents;
  for (const id of parents) await first.client.until(id, ({ status }) => status === "running");
  const [damagedChild, orphan] = [await below(healthy), await below(damagedParent)];
  // It runs in its parent's slot.
  const sibling = await below(healthy);
  for (const id of [damagedChild, orphan, sibling]) await first.client.until(id, ({ status }) => status === "running");
  const stranger = await first.client.command("true");
  await first.kill("SIGKILL");
  for (const id of [damagedParent, damagedChild]) damageTask(stateDir, id);

  const { client } = await startSystem(stateDir, { limits: { ...limits, maxRunning: 1 } });
  for (const id of [healthy, orphan]) await client.must("cancel_task", { task_id: id });
  for (const id of [healthy, orphan, sibling]) expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
  for (const id of [healthy, damagedParent, damagedChild, orphan, sibling])
    await expect.poll(() => processesOf(id), { timeout: 20_000 }).toEqual([]);
  expect(await client.ended(stranger)).toMatchObject({ status: "succeeded" });
});

describe("a state folder", () => {
  it.each([
    ["lock.sqlite", "this is no database, and longer than a header of one ".repeat(4)],
    ["lock.sqlite", undefined],
    ["token", undefined],
  ])("whose %s cannot be read is not said to be in use", { timeout }, async (name, content) => {
    const stateDir = temporaryFolder();
    const path = join(stateDir, name);
    if (content === undefined) mkdirSync(path);
    else writeFileSync(path, content);
    const { code, err } = await cli(["local", "--port", "0", "--state-dir", stateDir]);
    expect(err).toContain(`error: ${path} cannot be used`);
    expect(err).toMatch(/^hint: .*move it away/m);
    expect(err).not.toContain("already runs");
    expect(code).toBe(1);
    rmSync(path, { recursive: true });
    const { client } = await startSystem(stateDir);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
  });
});

describe("the value of an environment variable", () => {
  const secret = "canary-7d1f4b2e9c";
  /** Files below a folder that hold it; what goes away meanwhile does not. */
  const holders = (folder: string): string[] =>
    entriesOf(folder).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return holders(path);
      return entry.isFile() && existsSync(path) && readFileSync(path).includes(secret) ? [path] : [];
    });
  const entriesOf = (folder: string) => {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch {
      return [];
    }
  };

  it("is in one private file until the start, through a crash, and in none from then on", { timeout }, async () => {
    const stateDir = temporaryFolder();
    const limits = { maxRunning: 1 };
    const first = await startSystem(stateDir, { limits });
    const before = await first.client.command("sleep 600");
    await first.client.until(before, ({ status }) => status === "running");
    const job = { command: 'test "$(printf %s "$MINE" | wc -c)" = 17 && echo arrived && sleep 600', shell: true };
    const id = await first.client.command({ ...job, env: { MINE: secret } });
    expect(await first.client.status(id)).toMatchObject({ status: "queued", envNames: ["MINE"] });
    const [file = "", ...others] = holders(stateDir);
    expect(others).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await first.kill("SIGKILL");

    const { client } = await startSystem(stateDir, { limits });
    expect(holders(stateDir)).toEqual([file]);
    await client.must("cancel_task", { task_id: before });
    await client.until(id, ({ logLength }) => (logLength as number) > 0);
    expect(await client.log(id)).toBe("arrived\n");
    expect(holders(stateDir)).toEqual([]);
    await client.must("cancel_task", { task_id: id });
    await client.ended(id);
    expect(holders(stateDir)).toEqual([]);
  });

  it("goes with a task that is cancelled before it starts", { timeout }, async () => {
    const stateDir = temporaryFolder();
    const { client } = await startSystem(stateDir, { limits: { maxRunning: 1 } });
    const before = await client.command("sleep 600");
    await client.until(before, ({ status }) => status === "running");
    const id = await client.command({ command: "true", env: { MINE: secret } });
    expect(holders(stateDir)).toHaveLength(1);
    await client.must("cancel_task", { task_id: id });
    expect(holders(stateDir)).toEqual([]);
    await client.must("cancel_task", { task_id: before });
    await client.ended(before);
  });

  it("that is lost is told, and the job does not run without it", { timeout }, async () => {
    const stateDir = temporaryFolder();
    const { client } = await startSystem(stateDir, { limits: { maxRunning: 1 } });
    const before = await client.command("sleep 600");
    await client.until(before, ({ status }) => status === "running");
    const id = await client.command({ command: "true", env: { MINE: secret } });
    for (const file of holders(stateDir)) rmSync(file);
    await client.must("cancel_task", { task_id: before });
    expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "platform.environment_lost" } });
  });
});
