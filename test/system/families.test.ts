/** Jobs that dispatch jobs with the command line and wait for them, against the real system. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import type { AtEnd } from "../mcp/clients.ts";
import { processesOf, type SystemClient, startSystem, temporaryFolder } from "./system.ts";

const script = join(import.meta.dirname, "../fixtures/dispatch-deeper.mjs");
const program = join(import.meta.dirname, "../../bin/agent-dispatch.ts");
const run = promisify(execFile);

async function start(maxRunning: number, atEnd: AtEnd) {
  const stateDir = temporaryFolder(atEnd);
  const options = { limits: { maxRunning, graceSeconds: 1 }, atEnd, prewarm: false };
  const system = await startSystem(stateDir, options);
  return {
    ...system,
    stateDir,
    restart: () => startSystem(stateDir, options),
    deeper: (client: SystemClient, levels: number, seconds = 0) =>
      client.command({
        command: process.execPath,
        args: [script, String(levels), String(seconds)],
        env: { STATE_DIR: stateDir },
      }),
  };
}

async function everyTask(client: SystemClient): Promise<Json[]> {
  const { items } = await client.must("list_tasks", { limit: 100 });
  return Promise.all((items as Json[]).map(({ id }) => client.status(id as string)));
}

describe.concurrent("jobs that dispatch jobs and wait for them", () => {
  it("do not keep them from running: eight at once where eight may run", { timeout: 240_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, deeper } = await start(8, atEnd);
    const parents = await Promise.all(Array.from({ length: 8 }, () => deeper(client, 1)));
    for (const id of parents) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
    const tasks = await everyTask(client);
    expect(tasks).toHaveLength(16);
    expect(
      tasks
        .map(({ parent }) => parent)
        .filter((parent) => parent !== undefined)
        .sort(),
    ).toEqual(parents.sort());
  });

  it("do not keep them from running: three levels deep where one may run", { timeout: 240_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, deeper } = await start(1, atEnd);
    const top = await deeper(client, 3);
    const stranger = await client.command("true");
    expect(await client.ended(top)).toMatchObject({ status: "succeeded" });
    const tasks = await everyTask(client);
    const family = tasks.filter(({ id }) => id !== stranger);
    expect(family.map(({ depth, status }) => [depth, status])).toEqual(
      [3, 2, 1, 0].map((depth) => [depth, "succeeded"]),
    );
    // It waited until the whole family was done.
    const record = await client.ended(stranger);
    expect(record).toMatchObject({ status: "succeeded" });
    const endOf = (task: Json | undefined) => (task?.phases as Record<string, string> | undefined)?.succeeded ?? "";
    const begin = (record.phases as Record<string, string>).provisioning ?? "";
    for (const task of family) expect(endOf(task) <= begin).toBe(true);
    expect(await client.log(top)).toContain("level 0");
  });

  it("are cancelled with all that they dispatched, also when the system dies over it", { timeout: 240_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const system = await start(2, atEnd);
    const top = await system.deeper(system.client, 2, 600);
    await expect
      .poll(async () => (await everyTask(system.client)).filter(({ status }) => status === "running").length, {
        timeout: 60_000,
      })
      .toBe(3);
    const cancelled = system.client.call("cancel_task", { task_id: top }).catch(() => undefined);
    await expect.poll(async () => (await system.client.status(top)).status, { interval: 1 }).not.toBe("running");
    await system.kill("SIGKILL");
    await cancelled;
    const { client } = await system.restart();
    const tasks = await everyTask(client);
    expect(tasks).toHaveLength(3);
    for (const { id } of tasks) {
      expect(await client.ended(id as string)).toMatchObject({ status: "cancelled" });
      await expect.poll(() => processesOf(id as string), { timeout: 30_000 }).toEqual([]);
    }
  });

  it("are spared by a cancel that says so, at the command line too", { timeout: 120_000 }, async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { client, stateDir } = await start(2, atEnd);
    const top = await client.command("sleep 600");
    const child = await client.command("sleep 601", { metadata: { parentTaskId: top } });
    for (const id of [top, child]) await client.until(id, ({ status }) => status === "running");
    const words = [program, "cancel", top, "--no-cascade", "--state-dir", stateDir];
    expect((await run(process.execPath, words)).stdout).toContain("cancelling");
    expect(await client.ended(top)).toMatchObject({ status: "cancelled" });
    expect(await client.status(child)).toMatchObject({ status: "running", parent: top });
    await client.must("cancel_task", { task_id: child });
    expect(await client.ended(child)).toMatchObject({ status: "cancelled" });
  });
});
