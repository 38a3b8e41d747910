import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scripted } from "../../emulators/models/script.ts";
import { until } from "../../worker/start-worker.ts";
import { type Lab, leftOf, openLab, whileRunning } from "../lab.ts";
import type { RealProgram } from "../real-program.ts";

/** A command that leaves its session, with a child that has left that one's, and goes on for long. */
const stubborn = "(setsid sh -c 'setsid sleep 997 & sleep 998' &) ; touch started; sleep 0.2; tail -f /dev/null";

// Some programs let their commands go on beside the model.
const neverEnding = scripted("never end", { run: stubborn }, { hang: true });

/** Dispatches it, and waits until it runs with all that it started. */
async function startStubborn(lab: Lab): Promise<string> {
  const { taskId } = await lab.spawn(neverEnding);
  const isAtWork = () => existsSync(join(lab.workspace, "started")) && leftOf(taskId).length >= 4;
  await whileRunning(lab, taskId, isAtWork);
  return taskId;
}

/** The parent of the first process of a task. */
function workerOf(taskId: string): number {
  const pids = new Set(leftOf(taskId));
  for (const pid of pids) {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    if (parent > 1 && !pids.has(parent)) return parent;
  }
  throw new Error("the task has no worker");
}

/** Nothing survives a task, however it ends. */
export function ending(program: RealProgram): void {
  test("a cancel in mid-turn leaves no process", async () => {
    const lab = await openLab(program);
    const taskId = await startStubborn(lab);
    await lab.client.must("cancel_task", { task_id: taskId });
    expect(await lab.client.ended(taskId)).toMatchObject({ status: "cancelled" });
    expect(leftOf(taskId)).toEqual([]);
  });

  test("a timeout in mid-turn leaves no process, and says how to go on", async () => {
    const lab = await openLab(program);
    const { taskId } = await lab.spawn(neverEnding, { timeout_seconds: 25 });
    expect(await lab.client.ended(taskId)).toMatchObject({
      status: "failed",
      error: { code: "task.timeout", hint: expect.stringContaining("conversation") },
    });
    expect(leftOf(taskId)).toEqual([]);
  });

  test("a worker that is killed leaves no process", async () => {
    const lab = await openLab(program);
    const taskId = await startStubborn(lab);
    process.kill(workerOf(taskId), "SIGKILL");
    expect(await lab.client.ended(taskId)).toMatchObject({ status: "failed" });
    await until(() => leftOf(taskId).length === 0);
  });

  test("what a killed worker and a killed system leave is ended at the next start", async () => {
    const lab = await openLab(program);
    const taskId = await startStubborn(lab);
    const worker = workerOf(taskId);
    await lab.system.kill("SIGKILL");
    process.kill(worker, "SIGKILL");
    expect(leftOf(taskId)).not.toEqual([]);
    const { client } = await lab.restart();
    expect(await client.ended(taskId)).toMatchObject({ status: "failed" });
    await until(() => leftOf(taskId).length === 0);
  });
}
