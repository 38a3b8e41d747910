import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { steps } from "../../lambdas/workflow/steps/index.ts";
import { done, type Step } from "../../lambdas/workflow/steps/step.ts";
import { startLocal } from "../../lib/local/system.ts";
import { connect, problemOf } from "../mcp/clients.ts";
import { processesOf, startSystem, systemClient, temporaryFolder } from "./system.ts";

/** A system in this process in which the step of one state waits until the test lets it go on. */
async function systemHeldAt(state: string) {
  let arrived = () => {};
  let release = () => {};
  const isThere = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held: Record<string, Step> = {
    ...steps,
    [state]: async (ports, input) => {
      arrived();
      await released;
      return (steps as Record<string, Step>)[state]?.(ports, input) ?? done;
    },
  };
  const system = await startLocal({ stateDir: temporaryFolder(), steps: held });
  onTestFinished(async () => {
    release();
    await system.close();
  });
  const client = systemClient(await connect(system.url, "2026-07-28", system.token));
  return { client, isThere, release };
}

describe("cancel_task", () => {
  it("cancels a queued task at once", async () => {
    const { client } = await startSystem(temporaryFolder(), { limits: { maxRunning: 1 } });
    const first = await client.command("sleep 600");
    const second = await client.command("true");
    expect(await client.must("cancel_task", { task_id: second })).toMatchObject({
      status: "cancelled",
      taskId: second,
    });
    expect(await client.status(second)).toMatchObject({ status: "cancelled" });
    await client.must("cancel_task", { task_id: first });
    expect(await client.ended(first)).toMatchObject({ status: "cancelled" });
  });

  it.each([
    ["provisioning", "Provision"],
    ["provisioning, its worker made", "AwaitReady"],
    ["starting", "Start"],
  ])("cancels a task that is %s, and starts nothing", async (_when, state) => {
    const { client, isThere, release } = await systemHeldAt(state);
    const id = await client.command("echo must not run");
    await isThere;
    expect(await client.must("cancel_task", { task_id: id })).toMatchObject({ status: "cancelling" });
    release();
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    expect(await client.log(id)).toBe("");
    await expect.poll(() => processesOf(id)).toEqual([]);
  });

  it("kills the whole process tree of a running task within the grace time", async () => {
    const folder = temporaryFolder();
    const { client } = await startSystem(folder, { limits: { graceSeconds: 1 } });
    const stubborn = "trap '' TERM; (trap '' TERM; setsid sleep 600 & sleep 600) & echo up; while :; do sleep 1; done";
    const id = await client.command({ command: stubborn, shell: true });
    await client.until(id, ({ logLength }) => (logLength as number) > 0);
    expect((await processesOf(id)).length).toBeGreaterThan(2);
    const begin = Date.now();
    expect(await client.must("cancel_task", { task_id: id })).toMatchObject({ status: "cancelling" });
    expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
    expect(Date.now() - begin).toBeLessThan(10_000);
    expect(await processesOf(id)).toEqual([]);
    expect(await client.log(id)).toBe("up\n");
    expect(await client.must("get_task_result", { task_id: id })).toMatchObject({ result: { cancelled: true } });
  });

  it("is refused once the task is completing, and the result stands", async () => {
    const { client, isThere, release } = await systemHeldAt("Complete");
    const id = await client.command("echo done");
    await isThere;
    expect(await client.status(id)).toMatchObject({ status: "completing" });
    expect(problemOf(await client.call("cancel_task", { task_id: id }))).toMatchObject({ code: "task.terminal" });
    release();
    expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
  });

  it("says that a task is unknown", async () => {
    const { client } = await startSystem(temporaryFolder());
    const reply = await client.call("cancel_task", { task_id: `task_${"0".repeat(32)}` });
    expect(problemOf(reply)).toMatchObject({ code: "task.not_found" });
  });

  it("leaves nothing of the session on the disk", async () => {
    const folder = temporaryFolder();
    const { client } = await startSystem(folder);
    const id = await client.command("sleep 600");
    const { providerRefs } = await client.until(id, ({ status }) => status === "running");
    await client.must("cancel_task", { task_id: id });
    await client.ended(id);
    const file = join(folder, "sessions", (providerRefs as { sessionId: string }).sessionId, "token");
    await expect.poll(() => exists(file), { timeout: 10_000 }).toBe(false);
  });
});

function exists(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}
