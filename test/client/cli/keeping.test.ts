/** What is kept of tasks, as a person asks for it. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";
import { temporaryFolder } from "../../system/system.ts";
import { cli } from "./cli.ts";

/** An agent that notes each of its runs, and says that it is done. */
const counting = (file: string) => `import { appendFileSync } from "node:fs";
appendFileSync(${JSON.stringify(file)}, ".");
console.log("There are 3.\\nSTATUS: done");`;

function open() {
  const root = realpathSync(temporaryFolder());
  const stateDir = join(root, "state");
  mkdirSync(stateDir);
  shareCompiledCode(stateDir);
  const agent = join(root, "counts.mjs");
  writeFileSync(agent, counting(join(root, "runs")));
  const env = { HOME: root, AGENTDISPATCH_FRAMEWORK_COMMAND_COUNTS: `${process.execPath} ${agent}` };
  const given =
    (stdin?: string) =>
    (...args: string[]) =>
      cli([...args, "--state-dir", stateDir], { cwd: root, env, ...(stdin !== undefined && { stdin }) });
  const run = given();
  return {
    run,
    given,
    runs: () => readFileSync(join(root, "runs"), "utf8").length,
    json: async (...args: string[]) => JSON.parse((await run(...args, "--json")).out) as Json,
  };
}

test("what tasks took is told, also once the system that ran them has ended", async () => {
  const { run, json } = open();
  await run("run", "--framework", "echo", "Say hello");
  await run("run", "--command", "false");
  const told = await run("stats");
  expect(told).toMatchObject({ code: 0, err: "" });
  expect(told.out).toMatch(/^tasks +2, 1 succeeded, 1 failed$/m);
  expect(told.out).toMatch(/^agent +tasks +failed +median/m);
  expect(told.out).toMatch(/^local +1 /m);
  expect(await json("stats", "--by", "task", "--since", "1h")).toMatchObject({
    by: "task",
    owner: "local",
    total: { tasks: 2, costTold: 0 },
    items: [
      { tasks: 1, failed: 1 },
      { tasks: 1, succeeded: 1 },
    ],
  });
  expect(await run("stats", "--since", "soon")).toMatchObject({
    code: 2,
    err: expect.stringContaining("since: must be"),
  });
});

test("an answer of an earlier task is told as one, wherever it is shown", async () => {
  const { run, given, json } = open();
  const ask = ["run", "--framework", "counts", "How many?", "--cache"];
  const first = await json(...ask);
  expect(first).not.toHaveProperty("cached");
  const again = await run(...ask);
  expect(again.err).toContain("› answered by an earlier task; --no-cache runs it anew\n");
  // When that was, and how long that took
  expect(again.err).toMatch(/✔ succeeded in \S+ s, on \w{3} [ \d]\d \d\d:\d\d\n$/);
  expect((await run(...ask, "--quiet")).err).toBe("");
  expect(await json(...ask)).toMatchObject({ id: first.id, cached: true, status: "succeeded" });
  const items = JSON.stringify([
    { framework: "counts", task: "How many?", cache: true },
    { framework: "counts", task: "How many?", cache: false },
  ]);
  const many = await given(items)("parallel", "-");
  expect(many.out).toMatch(
    /^## 1\. \w+: succeeded, by the answer of an earlier task\n[\s\S]*^## 2\. \w+: succeeded\n/m,
  );
});

test("the same request is answered by the run before it, where one asks for that, and runs anew after a clear", async () => {
  const { run, json, runs } = open();
  const ask = (...more: string[]) => run("run", "--framework", "counts", "How many?", ...more);
  expect(await ask("--cache")).toMatchObject({ code: 0, out: expect.stringContaining("There are 3.") });
  const again = await ask("--cache");
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining("There are 3.") });
  expect(runs()).toBe(1);
  await ask("--no-cache");
  await ask();
  expect(runs()).toBe(3);
  expect((await run("cache", "stats")).out).toMatch(/^answers +1 of 4096 at most, each good for 5 m 00 s$/m);
  expect(await json("cache", "stats")).toMatchObject({ enabled: false, size: 1, hits: 1, misses: 1 });
  expect((await run("cache", "clear")).out).toBe("1 answer cleared; their tasks stay\n");
  await ask("--cache");
  expect(runs()).toBe(4);
  expect((await run("run", "--no-cache", "--command", "true")).err).toContain("--no-cache: goes with an instruction");
});

test("nothing is removed by default, nor of the last day", async () => {
  const { run, json } = open();
  await run("run", "--command", "true");
  const kept = { open: 0, recent: 1, together: 0 };
  expect(await json("gc", "--dry-run")).toMatchObject({ dry_run: true, would_purge: 0, max_age_days: 90, kept });
  expect(await json("gc", "--older-than", "1w")).toMatchObject({ max_age_days: 7, kept });
  expect(await run("gc", "--all")).toMatchObject({ code: 0, out: "", err: "› 0 removed; kept: 1 too young\n" });
  expect((await run("gc", "--all", "--older-than", "1d")).code).toBe(2);
  expect((await run("gc", "--older-than", "soon")).err).toContain("Write it as 12h, 7d or 8w");
});
