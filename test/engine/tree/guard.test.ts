/** The guard over all that one request sets off, at its most important; all of it: guards.test.ts */
import { expect, it } from "vitest";
import { isSettled } from "../../../lib/contract/task.ts";
import { planesOn, refusal } from "./planes.ts";

const plane = planesOn("SQLite");

it("a tree has no more tasks than its limit, and its budget is drawn on by what ends", async () => {
  const { spawn, run, end, clean } = plane({ maxChildren: 3, treeBudgetUsd: 5 });
  const root = await spawn();
  await run(root);
  const all = await Promise.all(Array.from({ length: 8 }, () => refusal(spawn({ parent: root }))));
  expect(all.filter((each) => each instanceof Error)).toHaveLength(5);
  const other = await spawn();
  await run(other);
  const below = await spawn({ parent: other });
  await run(below);
  await end(below, { usd: 5 });
  await clean(below);
  expect(await refusal(spawn({ parent: other }))).toMatchObject({
    code: "tree.limit",
    details: { root: other, limit: "treeBudgetUsd", value: 5 },
  });
});

it("a loop of dispatches is refused, and a task that ends leaves nothing", async () => {
  const { spawn, run, end, clean, statuses, read } = plane({ maxRunning: 1 });
  const root = await spawn({ command: "true a" });
  await run(root);
  const child = await spawn({ parent: root });
  await run(child);
  expect(await refusal(spawn({ parent: child, command: "true a" }))).toMatchObject({ code: "tree.loop" });
  const below = [await spawn({ parent: child }), await spawn({ parent: child })];
  await end(root);
  await clean(root);
  expect(await statuses(child, ...below)).toEqual(["cancelling", "cancelling", "cancelled"]);
  expect(isSettled(await read(root))).toBe(true);
});
