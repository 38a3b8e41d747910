/** Tasks of MCP, end to end, as the official clients of both generations drive them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskEnabledSession } from "@modelcontextprotocol/ext-tasks/client";
import type { JsonValue, TaskId } from "@modelcontextprotocol/ext-tasks/core";
import { describe, it } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import type { AtEnd } from "../../mcp/clients.ts";
import { openOlderClient, openTaskSession, type Place } from "../../mcp/task-clients.ts";

const generations = ["2026-07-28", "2025-11-25"] as const;

/** A system that is reached in some way; `commandCall` are the arguments of dispatch_task there. */
export type TaskPlace = {
  place: Place;
  commandCall(input: Json): Json;
  /** The arguments of a spawn whose agent asks for a colour, then for a size, and returns the answers. */
  asking?: Json;
};

/** Calls a tool as a task, where the client may choose. */
const asTask = (session: TaskEnabledSession, name: string, args: Json) =>
  session.callTool(name, args as Record<string, JsonValue>, { task: { preference: "prefer" } });

type Result = { structuredContent?: Json; isError?: boolean };

export function mcpTasks(open: (atEnd: AtEnd) => Promise<TaskPlace>): void {
  describe.each(generations)("a client with tasks of %s", (generation) => {
    it("is told of a task, follows it and gets what get_task_result gives", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { place, commandCall } = await open(atEnd);
      const session = await openTaskSession(place, generation, atEnd);
      const input = { command: "echo one; sleep 2; echo two; exit $CODE", shell: true, env: { CODE: "0" } };
      const execution = await asTask(session, "dispatch_task", commandCall(input));
      expect(execution.kind).toBe("task");
      const seen: string[] = [];
      const { outcome } = await execution.settle({
        onEvent: (event) => void ("task" in event && event.task && seen.push(event.task.status)),
      });
      expect(outcome.status).toBe("completed");
      expect(seen[0]).toBe("working");
      const taskId = execution.handle?.taskId ?? "";
      const result = outcome.status === "completed" ? (outcome.result as Result) : {};
      expect(result.structuredContent).toMatchObject({ taskId, status: "succeeded", result: { exitCode: 0 } });
      const again = await session.callTool("get_task_result", { task_id: taskId });
      const plain = await again.result();
      expect(plain.status === "completed" && (plain.result as Result).structuredContent).toEqual(
        result.structuredContent,
      );
      // One that has ended is a task as well, and ends at once.
      const waited = await asTask(session, "wait_for_task", { task_id: taskId });
      expect((await waited.result()).status).toBe("completed");
    });

    it("runs one job for one idempotency key", async ({ expect, onTestFinished: atEnd }) => {
      const { place, commandCall } = await open(atEnd);
      const session = await openTaskSession(place, generation, atEnd);
      const call = { ...commandCall({ command: "true" }), idempotency_key: `once in ${generation}` };
      const ids: (string | undefined)[] = [];
      for (let n = 0; n < 2; n++) {
        const execution = await asTask(session, "dispatch_task", call);
        ids.push(execution.handle?.taskId);
        await execution.result();
      }
      expect(ids[0]).toMatch(/^task_/);
      expect(ids[1]).toBe(ids[0]);
    });

    it("hears why a job failed", async ({ expect, onTestFinished: atEnd }) => {
      const { place, commandCall } = await open(atEnd);
      const session = await openTaskSession(place, generation, atEnd);
      const call = commandCall({ command: "sh", args: ["-c", "exit 3"] });
      const execution = await asTask(session, "dispatch_task", call);
      const outcome = await execution.result();
      if (generation === "2025-11-25") {
        expect(outcome).toMatchObject({ status: "failed" });
        expect(String(outcome.status === "failed" && outcome.error.message)).toMatch(/task\.exit_code/);
      } else {
        expect(outcome).toMatchObject({
          status: "completed",
          result: { isError: true, structuredContent: { error: { code: "task.exit_code" }, result: { exitCode: 3 } } },
        });
      }
    });

    it("hears what an agent asks, and answers", async ({ expect, onTestFinished: atEnd, skip }) => {
      const { place, asking } = await open(atEnd);
      if (!asking) return skip();
      const asked: unknown[] = [];
      const session = await openTaskSession(place, generation, atEnd, {
        onInputRequest: async ({ params }) => {
          asked.push(params?.message);
          return { action: "accept", content: { answer: `number ${asked.length}` } } as never;
        },
      });
      const execution = await asTask(session, "spawn_cloud_agent", asking);
      if (generation === "2025-11-25") await answerByTool(session, execution.handle?.taskId ?? "", asked);
      const outcome = await execution.result();
      expect(outcome).toMatchObject({ status: "completed", result: { structuredContent: { status: "succeeded" } } });
      expect(asked).toEqual(["Which colour?", "Which size?"]);
      const answers = JSON.stringify(outcome.status === "completed" && outcome.result);
      expect(answers).toContain("number 1");
      expect(answers).toContain("number 2");
    });

    it("cancels a task", async ({ expect, onTestFinished: atEnd }) => {
      const { place, commandCall } = await open(atEnd);
      const session = await openTaskSession(place, generation, atEnd);
      const call = commandCall({ command: "sleep 600", shell: true });
      const execution = await asTask(session, "dispatch_task", call);
      await execution.cancel();
      expect((await execution.result()).status).toBe("cancelled");
    });
  });

  it("the v1 client streams a task of 2025-11-25, lists it and reads its result", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const { place, commandCall } = await open(atEnd);
    const client = await openOlderClient(place, atEnd);
    const { tasks } = client.experimental;
    const told: string[] = [];
    let result: unknown;
    let taskId = "";
    const call = commandCall({ command: "sleep 1; echo done", shell: true });
    for await (const message of tasks.callToolStream({ name: "dispatch_task", arguments: call })) {
      told.push(message.type);
      if (message.type === "error") throw message.error;
      if (message.type === "taskCreated") taskId = message.task.taskId;
      if (message.type === "result") result = message.result;
    }
    expect(told[0]).toBe("taskCreated");
    expect(told.at(-1)).toBe("result");
    expect(result).toMatchObject({
      structuredContent: { taskId, status: "succeeded" },
      _meta: { "io.modelcontextprotocol/related-task": { taskId } },
    });
    expect((await tasks.listTasks()).tasks).toContainEqual(expect.objectContaining({ taskId, status: "completed" }));
    expect(await tasks.getTask(taskId)).toMatchObject({ status: "completed" });
    await expect(tasks.cancelTask(taskId)).rejects.toMatchObject({ code: -32602 });
  });
}

/** As the message of a task of 2025-11-25 says it. */
async function answerByTool(session: TaskEnabledSession, taskId: string, asked: unknown[]): Promise<void> {
  while (asked.length < 2) {
    const { statusMessage = "" } = await session.task(taskId as TaskId).snapshot();
    const [, question] = /^input_required: (.*); answer with send_task_input$/.exec(statusMessage) ?? [];
    if (question !== undefined && question !== asked.at(-1)) {
      asked.push(question);
      const key = question === "Which colour?" ? "colour" : "size";
      const args = { task_id: taskId, responses: { [key]: { answer: `number ${asked.length}` } } };
      await session.callTool("send_task_input", args);
    }
    await sleep(50);
  }
}
