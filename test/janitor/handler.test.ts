import { afterAll, beforeAll, expect, test } from "vitest";
import { makeTask } from "../contract/make-task.ts";
import { type Cloud, openCloud } from "../emulators/functions.ts";
import type { DeployedFunction } from "../emulators/lambda-runner.ts";

let cloud: Cloud;
let janitor: DeployedFunction;
beforeAll(async () => {
  cloud = await openCloud();
  janitor = await cloud.deploy("lambdas/janitor/handler.ts");
});
afterAll(() => cloud?.stop());

const scheduled = { source: "aws.scheduler", "detail-type": "Scheduled Event", detail: {} };

/** Tasks of one owner whose time to be looked at was a minute ago. */
async function overdue(count: number, changes: Parameters<typeof makeTask>[0] = {}) {
  const tasks = Array.from({ length: count }, () =>
    makeTask({ owner: "ann", backend: "aws-agentcore", provider: "aws", dueAtMs: Date.now() - 60_000, ...changes }),
  );
  for (const task of tasks) await cloud.store.create(task);
  return tasks.map(({ id }) => id);
}

test("starts the executions of tasks that nobody brings on, and queued ones too", async () => {
  const working = await overdue(20, { status: "running" });
  const queued = await overdue(3, { profile: "research" });
  expect(await (await janitor.invoke(scheduled)).json()).toEqual({ recovered: 23, left: 0 });
  const names = cloud.starts.map(({ name }) => name).sort();
  expect(names).toEqual([...working, ...queued].map((id) => `${id}-1`).sort());
  expect(await cloud.store.get(queued[0] ?? "")).toMatchObject({
    status: "provisioning",
    obligations: { slot: "research" },
  });
  expect(await (await janitor.invoke(scheduled)).json()).toEqual({ recovered: 0, left: 0 });
});

test("leaves for the next run what it has no time for", async () => {
  const [id = ""] = await overdue(1, { status: "running" });
  expect(await (await janitor.invoke(scheduled, { remainingMs: 15_000 })).json()).toEqual({ recovered: 0, left: 1 });
  expect(janitor.logged().at(-1)).toMatchObject({ level: "WARN", recovered: 0, left: 1 });
  expect(await (await janitor.invoke(scheduled)).json()).toEqual({ recovered: 1, left: 0 });
  expect(cloud.starts.at(-1)).toMatchObject({ name: `${id}-1` });
});
