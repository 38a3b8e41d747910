/** What becomes of an agent's program, and of commands that it starts in sessions of their own, when their worker goes. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { agentPrograms, claude } from "../fixtures/agent-programs.ts";
import { processesWith, until } from "../worker/start-worker.ts";
import { startSystem, temporaryFolder } from "./system.ts";
import { workerOf } from "./workers.ts";

const leftOf = (taskId: string) => processesWith(`${environmentVariables.taskId}=${taskId}`);

/** A system with an agent at work: its program has printed, and has a command in a session of its own. */
async function startWorking({ expect, onTestFinished: atEnd }: Pick<TestContext, "expect" | "onTestFinished">) {
  const folder = temporaryFolder(atEnd);
  const started = join(folder, "started");
  const programs = agentPrograms(folder);
  const init = JSON.stringify({ type: "system", subtype: "init", session_id: "s", model: "m", tools: [] });
  // It writes nothing more: that nobody reads any more is nothing it could notice by itself.
  const run = `cat > /dev/null; echo '${init}'; setsid sh -c 'sleep 997 & sleep 998' > /dev/null 2>&1 & touch '${started}'; sleep 999`;
  programs.install("claude", { ...claude(), run });
  const start = () =>
    startSystem(folder, {
      env: { PATH: programs.PATH, ANTHROPIC_API_KEY: "k", HOME: folder },
      limits: { graceSeconds: 1 },
      atEnd,
    });
  const system = await start();
  const { taskId } = await system.client.must("spawn_cloud_agent", {
    instruction: "never end",
    framework: "claude-code",
  });
  const id = String(taskId);
  await until(() => existsSync(started) && leftOf(id).length >= 5);
  expect(await system.client.status(id)).toMatchObject({ status: "running" });
  return { system, id, start, worker: workerOf(folder, await system.client.status(id)) };
}

describe.concurrent("an agent at work", () => {
  it("ends with all that it started when its worker is killed, so that nobody reads it", async (context) => {
    const { system, id, worker } = await startWorking(context);
    process.kill(worker.pid, "SIGKILL");
    context.expect(await system.client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    await context.expect.poll(() => leftOf(id), { timeout: 20_000 }).toEqual([]);
  });

  it("is found by its mark and ended at the next start, when nobody was there to see its worker go", async (context) => {
    const { system, id, worker, start } = await startWorking(context);
    await system.kill("SIGKILL");
    process.kill(worker.pid, "SIGKILL");
    context.expect(leftOf(id).length).toBeGreaterThan(3);
    const { client } = await start();
    context.expect(await client.ended(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    await context.expect.poll(() => leftOf(id), { timeout: 20_000 }).toEqual([]);
  });

  it("is gone with all that it started once its task is cancelled", async (context) => {
    const { system, id } = await startWorking(context);
    await system.client.must("cancel_task", { task_id: id });
    context.expect(await system.client.ended(id)).toMatchObject({ status: "cancelled" });
    context.expect(leftOf(id)).toEqual([]);
  });
});
