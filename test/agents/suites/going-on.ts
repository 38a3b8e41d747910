import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { scripted } from "../../emulators/models/script.ts";
import { type Lab, leftOf, openLab, succeeded, whileRunning } from "../lab.ts";
import type { RealProgram } from "../real-program.ts";

const hanging = scripted("remember the word heliotrope", { run: "touch started" }, { hang: true });

async function startHanging(lab: Lab): Promise<{ taskId: string; conversation: unknown }> {
  const { taskId, conversation } = await lab.spawn(hanging);
  expect(conversation).toMatch(/^conv_/);
  await whileRunning(lab, taskId, () => lab.model.held > 0);
  return { taskId, conversation };
}

/** The next turn; resolves with what the model was sent in it. */
async function goOn(lab: Lab, conversation: unknown): Promise<{ record: Json; sent: string }> {
  const before = lab.model.requests.length;
  const record = await lab.run(scripted("which word was it?", { say: "heliotrope\nSTATUS: done" }), { conversation });
  return { record, sent: JSON.stringify(lab.model.requests.slice(before).map(({ body }) => body)) };
}

/** A conversation goes on after every kind of end. */
export function goingOn(program: RealProgram): void {
  test("after a turn that ended well", async () => {
    const lab = await openLab(program);
    const first = await lab.spawn(scripted("remember the word heliotrope", { say: "I will\nSTATUS: done" }));
    await lab.client.ended(first.taskId);
    const { record, sent } = await goOn(lab, first.conversation);
    succeeded(record);
    expect(sent).toContain("remember the word heliotrope");
    expect(sent).toContain("I will");
  });

  test("after a cancel", async () => {
    const lab = await openLab(program);
    const { taskId, conversation } = await startHanging(lab);
    await lab.client.must("cancel_task", { task_id: taskId });
    await lab.client.ended(taskId);
    const { record, sent } = await goOn(lab, conversation);
    succeeded(record);
    expect(sent).toContain("remember the word heliotrope");
  });

  test("after the program was killed", async () => {
    const lab = await openLab(program);
    const { taskId, conversation } = await startHanging(lab);
    for (const pid of leftOf(taskId)) if (isProgram(pid)) process.kill(pid, "SIGKILL");
    expect(await lab.client.ended(taskId)).toMatchObject({ status: "failed" });
    const { record, sent } = await goOn(lab, conversation);
    succeeded(record);
    expect(sent).toContain("remember the word heliotrope");
  });
}

/** Whether a process is one of the task's own, and not one that goes by itself in this moment. */
function isProgram(pid: number): boolean {
  return existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
}
