import { expect, test } from "vitest";
import { follow } from "../../../lib/client/sdk/follow.ts";
import type { Json } from "../../../lib/contract/task.ts";
import type { TaskRecord } from "../../../lib/contract/tools/task-record.ts";
import { callerOf, record, TASK_ID } from "../replies.ts";

const event = (sequence: number, message: string) => ({
  taskId: "task_1",
  sequence,
  type: "task.log",
  timestamp: "2026-01-01T00:00:00Z",
  message,
  payload: { stream: "stdout" },
});

type Look = Partial<TaskRecord> & { events: ReturnType<typeof event>[] };

/** An endpoint whose task goes through the given records, one per look; waits end at once or never. */
function scripted(looks: Look[], waits: Record<string, "at once" | "never">) {
  const calls: { tool: string; args: Json }[] = [];
  let at = 0;
  const endpoint = callerOf((tool, args) => {
    calls.push({ tool, args });
    if (tool === "get_task_status") return record(looks[Math.min(at++, looks.length - 1)]);
    if (waits[tool] === "never") return new Promise<object>(() => {});
    return tool === "get_task_logs" ? { taskId: TASK_ID, cursor: 0, nextCursor: 0, data: "" } : record();
  });
  return { ...endpoint, of: (tool: string) => calls.filter((made) => made.tool === tool).map(({ args }) => args) };
}

test("every event is told once and in order, over pages, until the task has ended", async () => {
  const endpoint = scripted(
    [
      { status: "running", logLength: 3, events: [event(100, "a"), event(101, "b")] },
      { status: "running", logLength: 3, events: [event(102, "c")] },
      { status: "running", logLength: 3, events: [] },
      { status: "succeeded", logLength: 4, events: [event(103, "d")] },
      { status: "succeeded", logLength: 4, events: [] },
    ],
    { get_task_logs: "at once", wait_for_task: "never" },
  );
  const seen: string[] = [];
  const record = await follow(endpoint, "task_1", {
    event: ({ message = "" }) => void seen.push(message),
    status: ({ status }) => void seen.push(status),
  });
  expect(seen.join(" ")).toBe("running a b running c running d succeeded succeeded");
  expect(record.status).toBe("succeeded");
  expect(endpoint.of("get_task_status").map((args) => args.events_after)).toEqual([0, 101, 102, 102, 103]);
  expect(endpoint.of("get_task_logs")).toEqual([{ task_id: "task_1", cursor: 3, limit: 1, wait_seconds: 1 }]);
});

test("the end is noticed while no log comes", async () => {
  const endpoint = scripted(
    [
      { status: "running", events: [] },
      { status: "failed", events: [] },
    ],
    { get_task_logs: "never", wait_for_task: "at once" },
  );
  expect((await follow(endpoint, "task_1", { event() {}, status() {} })).status).toBe("failed");
});

test("a task that needs input is not asked for its end again and again", async () => {
  const waiting: Look = { status: "input_required", events: [] };
  const endpoint = scripted([waiting, waiting, waiting, { status: "cancelled", events: [] }], {
    get_task_logs: "at once",
    wait_for_task: "at once",
  });
  await follow(endpoint, "task_1", { event() {}, status() {} });
  expect(endpoint.of("wait_for_task")).toEqual([]);
});

test("a call that fails for good ends the following", async () => {
  const endpoint = callerOf(() => {
    throw new Error("no task");
  });
  await expect(follow(endpoint, "task_1", { event() {}, status() {} })).rejects.toThrow("no task");
});
