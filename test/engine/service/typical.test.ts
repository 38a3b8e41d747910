import { expect, test } from "vitest";
import { TaskService } from "../../../lib/engine/service.ts";
import { makeTask, type TaskFields } from "../../contract/make-task.ts";
import { openPorts } from "../../mcp/ports.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 21) + seconds * 1000).toISOString();
const web = { name: "web", workspace: "/web" };

/** A task of the agent that ran for so many seconds. */
const ran = (seconds: number, more: TaskFields = {}) =>
  makeTask({
    owner: "me",
    taskType: "agent.run",
    profile: "web",
    target: { mode: "session", details: { workspace: "/web" } },
    status: "succeeded",
    phases: { queued: at(-900), running: at(0), completing: at(seconds), succeeded: at(seconds + 60) },
    ...more,
  });

async function typicalOf(...tasks: ReturnType<typeof ran>[]) {
  const ports = openPorts();
  for (const task of tasks) await ports.store.create(task);
  return (await new TaskService(ports, "me").typical([web, { name: "idle", workspace: "/idle" }])).get("web");
}

test("is the median and what nine of ten stay within, of time and of money", async () => {
  const tasks = Array.from({ length: 10 }, (_, i) => ran(10 * (i + 1), { usage: { costUsd: (i + 1) / 100 } }));
  const failed = ran(500, { status: "failed" });
  expect(await typicalOf(...tasks, failed)).toEqual({
    tasks: 11,
    failed: 1,
    medianSeconds: 50,
    p90Seconds: 90,
    medianCostUsd: 0.05,
    p90CostUsd: 0.09,
  });
});

test("is nothing before there are enough tasks, nor is a cost", async () => {
  expect(await typicalOf(ran(1), ran(2))).toBeUndefined();
  expect(await typicalOf(ran(1), ran(2), ran(3, { status: "failed" }))).toBeUndefined();
  const typical = await typicalOf(ran(1, { usage: { costUsd: 1 } }), ran(2, { usage: { costUsd: 1 } }), ran(3.04));
  expect(typical).toEqual({ tasks: 3, failed: 0, medianSeconds: 2, p90Seconds: 3 });
});

test("counts the agent's own tasks alone", async () => {
  const own = [ran(1), ran(1), ran(1)];
  const others = [
    ran(99, { owner: "somebody else" }),
    ran(99, { profile: "idle" }),
    ran(99, { target: { mode: "session", details: { workspace: "/elsewhere" } } }),
    ran(99, { taskType: "command.run" }),
    ran(99, { status: "running" }),
  ];
  expect(await typicalOf(...own, ...others)).toMatchObject({ tasks: 3, p90Seconds: 1 });
});

test("looks through the newest tasks only", async () => {
  const older = Array.from({ length: 3 }, () => ran(1, { createdAt: at(0) }));
  const newer = Array.from({ length: 500 }, () => ran(1, { createdAt: at(9), profile: "local" }));
  expect(await typicalOf(...older, ...newer)).toBeUndefined();
});
