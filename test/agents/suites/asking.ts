import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { scripted } from "../../emulators/models/script.ts";
import { type Lab, openLab, succeeded } from "../lab.ts";
import type { RealProgram } from "../real-program.ts";

const asked = (lab: Lab, taskId: string): Promise<Json> =>
  lab.client.until(
    taskId,
    ({ status }) => status !== "queued" && status !== "provisioning" && status !== "starting" && status !== "running",
  );
const messageOf = ({ inputRequests }: Json, key: string): string =>
  (inputRequests as Record<string, { params: { message: string } }>)[key]?.params.message ?? "none";
const asks = { permissionMode: "default", questions: "ask" };

/** Permissions and clarifications are questions of the task, and a message reaches the agent within its turn. */
export function asking(program: RealProgram): void {
  test("asks whether it may use a tool, and does what it is answered", async () => {
    const lab = await openLab(program);
    const instruction = scripted(
      "make two files",
      { run: "touch one" },
      { run: "touch two" },
      { say: "made\nSTATUS: done" },
    );
    const { taskId } = await lab.spawn(instruction, { runtime_tools: asks });
    expect(messageOf(await asked(lab, taskId), "permission")).toContain("touch one");
    expect(existsSync(join(lab.workspace, "one"))).toBe(false);
    await lab.client.must("send_task_input", { task_id: taskId, responses: { permission: "allow" } });
    const second = await lab.client.until(
      taskId,
      ({ inputRequests = {} }) => "permission-2" in (inputRequests as Json),
    );
    expect(messageOf(second, "permission-2")).toContain("touch two");
    await lab.client.must("send_task_input", { task_id: taskId, responses: { "permission-2": "deny" } });
    succeeded(await lab.client.ended(taskId));
    expect(["one", "two"].map((name) => existsSync(join(lab.workspace, name)))).toEqual([true, false]);
  });

  test("asks what it wants to know, and is told what it was answered", async () => {
    const lab = await openLab(program);
    const options = ["red", "blue"].map((label) => ({ label, description: `as ${label}` }));
    const questions = [{ question: "Which colour?", header: "Colour", options, multiSelect: false }];
    const instruction = scripted(
      "ask",
      { tool: "AskUserQuestion", input: { questions } },
      { say: "thanks\nSTATUS: done" },
    );
    const { taskId } = await lab.spawn(instruction, { runtime_tools: asks });
    expect(messageOf(await asked(lab, taskId), "question")).toContain("Which colour?");
    const before = lab.model.requests.length;
    await lab.client.must("send_task_input", { task_id: taskId, responses: { question: "blue" } });
    succeeded(await lab.client.ended(taskId));
    expect(JSON.stringify(lab.model.requests.slice(before).map(({ body }) => body))).toMatch(
      /Which colour\?.{0,20}blue/,
    );
  });

  test("hears a message within its turn", async () => {
    const lab = await openLab(program);
    const instruction = scripted("work", { run: "touch one" }, { say: "made\nSTATUS: done" });
    const { taskId } = await lab.spawn(instruction, { runtime_tools: asks });
    await asked(lab, taskId);
    const receipt = await lab.client.must("send_task_input", { task_id: taskId, message: "mind the heliotrope" });
    expect(receipt).toMatchObject({ received: true, delivered: true });
    const before = lab.model.requests.length;
    await lab.client.must("send_task_input", { task_id: taskId, responses: { permission: "allow" } });
    succeeded(await lab.client.ended(taskId));
    expect(JSON.stringify(lab.model.requests.slice(before).map(({ body }) => body))).toContain("mind the heliotrope");
  });
}
