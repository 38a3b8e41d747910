/** What an owner's tasks took and cost, as a client is told. */
import { expect, test } from "vitest";
import type { Estimate } from "../../lib/contract/costs/estimate.ts";
import { MAX_REPLY, replySize } from "../../lib/contract/replies/reply-size.ts";
import type { Json, Task } from "../../lib/contract/task.ts";
import type { ToolResult } from "../../lib/contract/tools/index.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { openTaskStore } from "../../lib/store/sqlite/task-store.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { bareCaller } from "../mcp/clients.ts";
import { openPorts } from "../mcp/ports.ts";

const start = Date.UTC(2026, 10, 20);
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const DAY = 86_400;

/** A task of an agent that was dispatched at a second of the month, and ran for so many. */
const ran = (from: number, seconds: number, more: TaskFields = {}) =>
  makeTask({
    owner: "me",
    taskType: "agent.run",
    profile: "api",
    createdAt: at(from),
    status: "succeeded",
    phases: { queued: at(from), running: at(from), completing: at(from + seconds), succeeded: at(from + seconds) },
    ...more,
  });

async function usage(tasks: readonly Task[], given: Json = {}, options: { estimate?: (task: Task) => Estimate } = {}) {
  const ports = openPorts({ now: () => start + 2 * DAY * 1000 });
  const store = openTaskStore(ports.folder, options);
  try {
    for (const task of tasks) await store.create(task);
    return await new TaskService(ports, "me").usage(given);
  } finally {
    store.close();
  }
}

const used = (costUsd: number, tokens: number) => ({ costUsd, inputTokens: tokens, outputTokens: 1, turns: 1 });

test("is summed by agent, the dearest first, with how they ended and how long they took", async () => {
  const tasks = [
    ran(0, 10, { usage: used(0.1, 100), result: { output: "", outcome: "done" } }),
    ran(1, 20, { usage: used(0.2, 200), result: { output: "", outcome: "partial" } }),
    ran(2, 30, { status: "failed", usage: used(0.3, 300) }),
    ran(3, 5, { profile: "web", usage: { inputTokens: 7 } }),
    ran(4, 9, { taskType: "command.run", profile: "local" }),
    ran(5, 99, { owner: "you", usage: used(9, 9) }),
    ran(6, 99, { status: "running" }),
    // What it took is what those took that it is made of.
    ran(7, 99, { taskType: "parallel.run", usage: used(0.6, 600) }),
  ];
  const api = {
    key: "api",
    tasks: 3,
    succeeded: 2,
    failed: 1,
    cancelled: 0,
    outcomes: { done: 1, partial: 1 },
    inputTokens: 600,
    outputTokens: 3,
    cachedTokens: 0,
    turns: 3,
    costUsd: 0.6,
    costTold: 3,
    medianSeconds: 10,
    p90Seconds: 20,
    maxSeconds: 20,
  };
  const told = await usage(tasks, { since: "2026-11-20" });
  expect(told).toMatchObject({
    since: at(0),
    by: "agent",
    owner: "me",
    total: { tasks: 5, costUsd: 0.6, maxSeconds: 20 },
  });
  expect(told.items[0]).toEqual(api);
  expect(told.items.slice(1)).toMatchObject([{ key: "web", tasks: 1, inputTokens: 7, costUsd: 0, costTold: 0 }]);
});

test("is told by profile, day, task, turn, conversation, tree and owner", async () => {
  const first = ran(0, 1, { usage: used(0.1, 1), conversation: { id: "c" } });
  const second = ran(DAY, 1, { usage: used(0.2, 1), conversation: { id: "c" }, parent: first.id, root: first.id });
  const third = ran(DAY + 1, 1, { taskType: "command.run", profile: "local" });
  const by = async (group: string) => (await usage([first, second, third], { by: group })).items;
  const keys = async (group: string) => (await by(group)).map(({ key, costUsd }) => [key, costUsd]);
  expect(await keys("profile")).toEqual([
    ["api", 0.3],
    ["local", 0],
  ]);
  expect(await keys("day")).toEqual([
    ["2026-11-21", 0.2],
    ["2026-11-20", 0.1],
  ]);
  expect(await by("task")).toMatchObject([
    { key: third.id, profile: "local", tree: third.id },
    { key: second.id, profile: "api", tree: first.id, conversation: "c", costUsd: 0.2 },
    { key: first.id, profile: "api", tree: first.id, conversation: "c", costUsd: 0.1 },
  ]);
  expect(await keys("turn")).toEqual([
    [second.id, 0.2],
    [first.id, 0.1],
  ]);
  expect(await keys("conversation")).toEqual([["c", 0.3]]);
  expect(await keys("tree")).toEqual([
    [first.id, 0.3],
    [third.id, 0],
  ]);
  expect(await keys("owner")).toEqual([["me", 0.3]]);
});

test("is counted from a time on, a date, or so long ago", async () => {
  const tasks = [0, DAY, DAY + 3600].map((from) => ran(from, 1));
  const counted = async (since?: string) => (await usage(tasks, since === undefined ? {} : { since })).total.tasks;
  expect(await counted()).toBe(3);
  expect(await counted("24h")).toBe(2);
  expect(await counted("1d")).toBe(2);
  expect(await counted(`${23 * 60}m`)).toBe(1);
  expect(await counted("2026-11-21")).toBe(2);
  expect(await counted("2026-11-21T01:00:00Z")).toBe(1);
  for (const since of ["yesterday", "-3d", "5", "3w", "2026-13-40"])
    await expect(usage(tasks, { since })).rejects.toThrow(/since: must be a date/);
});

test("an estimate is marked as such, and adds up", async () => {
  const estimate = (): Estimate => ({
    controlPlaneUsd: 0.002,
    computeUsdAtMost: 0.05,
    pricesOf: "2026-11-01",
    estimated: true,
  });
  const { total } = await usage([ran(0, 1), ran(1, 1)], {}, { estimate });
  expect(total).toMatchObject({
    costUsd: 0,
    estimate: { controlPlaneUsd: 0.004, computeUsdAtMost: 0.1, pricesOf: "2026-11-01", estimated: true },
  });
  expect((await usage([ran(0, 1)])).total).not.toHaveProperty("estimate");
});

test("of very many rows as many are shown as a reply holds, and how many more there are", async () => {
  const ports = openPorts({ now: () => start + 2 * DAY * 1000 });
  const tasks = Array.from({ length: 230 }, (_, n) => ran(n, 1, { usage: used(0.1234567, 123_456) }));
  for (const task of tasks) await ports.store.create(task);
  const caller = bareCaller({ ports, toolset: "all" });
  for (const by of ["task", "day"]) {
    const { structured } = await caller.call("get_usage", { by });
    const { items, more = 0, total } = structured as ToolResult<"get_usage">;
    expect(total.tasks).toBe(230);
    expect(items.length + more).toBe(by === "day" ? 1 : 230);
    if (by === "task") expect(replySize(structured)).toBeGreaterThan(MAX_REPLY * 0.85);
  }
});
