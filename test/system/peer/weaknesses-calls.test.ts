/**
 * Weaknesses of the Python program agent-dispatch, as its changelog and its documents name them, in what it takes and keeps: calls and
 * files that are not what they should be, and answers that stand for another request.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { cli } from "../../client/cli/cli.ts";
import { type Machine, machine, ours } from "./machine.ts";

const ends: (() => void | Promise<void>)[] = [];
let here: Machine;
let program: Awaited<ReturnType<typeof ours>>;
beforeAll(async () => {
  const atEnd = (work: () => void | Promise<void>) => void ends.unshift(work);
  here = machine({ atEnd });
  program = await ours(here, "2025-11-25", atEnd);
});
afterAll(async () => {
  for (const end of ends) await end();
});

const call = (tool: string, args: Json = {}) => program.call(tool, args);
const jobs = async () => (await call("dispatch_jobs")) as unknown as Json[];
const isRefused = { error: expect.any(String), error_code: "input.invalid" };

test.each<[what: string, item: Json]>([
  ["a number that is none", { agent: "infra", task: "x", timeout_seconds: "soon" }],
  ["a length that is none", { agent: "infra", task: "x", return_ref: true, summary_chars: -1 }],
  ["an agent that is no text", { agent: 7, task: "x" }],
  ["a task that is no text", { agent: "infra", task: ["x"] }],
])("of several nothing is begun where one has %s", async (_, item) => {
  const before = await jobs();
  for (const dispatches of [[{ agent: "infra", task: "y" }, item], JSON.stringify([item])])
    expect(await call("dispatch_parallel", { dispatches })).toMatchObject(isRefused);
  expect(await jobs()).toEqual(before);
});

test.each(["../../token", `${"a".repeat(32)}\n`, `task_${"a".repeat(32)}\n`, ""])(
  "%j is the id of no job",
  async (id) => {
    for (const tool of ["dispatch_status", "dispatch_wait", "dispatch_cancel"])
      expect(await call(tool, { job_id: id })).toMatchObject(isRefused);
    expect(await call("fetch_result", { ref: id })).toMatchObject(isRefused);
  },
);

test("a name ends where it ends", async () => {
  const folder = here.folders.web;
  expect(await call("add_agent", { name: "web\n", directory: folder })).toMatchObject(isRefused);
  const group = await call("add_group", { name: "shop2\n", members: [] });
  expect(group).toMatchObject({ error: { code: "input.invalid" } });
});

test("a session that reads as an option is none", async () => {
  for (const session_id of ["--permission-mode=bypassPermissions", "-p"])
    expect(await call("dispatch_session", { agent: "infra", task: "x", session_id })).toHaveProperty("error_code");
});

const config = () => join(here.folder, "config.json");
const run = (...words: string[]) =>
  cli([...words, "--config", config(), "--state-dir", here.folder], { env: here.env });

test("no number without end, or below nothing, gets into the configuration, by whatever way", async () => {
  const before = readFileSync(config(), "utf8");
  for (const wrong of [{ timeout: -5 }, { max_budget_usd: "Infinity" }, { timeout: 1e300 }])
    expect({ wrong, said: await call("update_agent", { name: "infra", ...wrong }) }).toHaveProperty("said.error_code");
  for (const budget of ["1e999", "inf", "nan", "-1"])
    expect(await run("update", "infra", `--max-budget=${budget}`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/budget/i),
    });
  expect(readFileSync(config(), "utf8")).toBe(before);
  const file = join(here.folder, "endless.json");
  writeFileSync(file, before.replace('"maxBudgetUsd":5', '"maxBudgetUsd":1e999'));
  const checked = await cli(["config", "check", "--config", file], { env: here.env });
  expect(checked).toMatchObject({ code: 1, out: expect.stringContaining("maxBudgetUsd") });
});

test("a file in another encoding is told by whatever reads it, and not as a bug", async () => {
  const folder = join(here.folder, "encodings");
  mkdirSync(folder);
  const file = join(folder, "config.json");
  const bytes = Buffer.from('{"runtimes":{"a":{"backend":"local","description":"\xce\xf2\xe2"}}}', "latin1");
  writeFileSync(file, bytes);
  const where = ["--config", file, "--state-dir", join(folder, "state")];
  for (const words of [["list"], ["config", "check"], ["add", "web", here.folders.web ?? ""]]) {
    const { code, out, err } = await cli([...words, ...where], { env: here.env });
    const said = out + err;
    expect({ words, code, said }).toMatchObject({ said: expect.stringMatching(`${file}[^]*not UTF-8`) });
    expect(code).toBeOneOf([1, 2]);
    expect(said).not.toMatch(/^ +at /m);
  }
  expect(readFileSync(file).equals(bytes)).toBe(true);
});

test("sums over nothing are sums, also as JSON", async () => {
  const { out, code } = await cli(["stats", "--json", "--state-dir", join(here.folder, "empty")], { env: here.env });
  expect({ code, said: JSON.parse(out) }).toMatchObject({ code: 0, said: { total: { tasks: 0 }, items: [] } });
});

test("what a folder does not say is in no description", async () => {
  const folder = here.folders.web ?? "";
  for (const name of ["CLAUDE.md", "README.md", ".mcp.json", "alembic.ini", "pyproject.toml"])
    writeFileSync(join(folder, name), "");
  writeFileSync(join(folder, "package.json"), '{"description":""}');
  const { description } = await call("add_agent", { name: "web", directory: folder });
  expect(description).toMatch(/^\w/);
});

test("an answer that was not all it should be answers nobody else, and a reference is one from the cache too", async () => {
  const twice = async (task: string, more: Json = {}) => {
    await call("dispatch", { agent: "infra", task, ...more });
    return call("dispatch", { agent: "infra", task, ...more });
  };
  const summary = { return_ref: true, summary_chars: 20 };
  const again = await twice("all of it", summary);
  expect(again).toMatchObject({ cached: true, ref: expect.any(String), summary_chars: 20 });
  expect(again).not.toHaveProperty("result");
  expect(await twice("half of it")).toMatchObject({ outcome: "partial" });
  expect(await twice("half of it")).not.toHaveProperty("cached");
  const denied = await twice("a read-only query");
  expect(denied).toMatchObject({ denied_tools: ["Bash"] });
  expect(denied).not.toHaveProperty("cached");
});

test("who waits too long for the file is refused, and changes nothing behind the back of who has it", async () => {
  const holds = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(process.argv[1]);
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"); console.log("held"); process.stdin.resume();`;
  const holder = spawn(process.execPath, ["-e", holds, join(here.folder, ".config.json.lock")]);
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const before = readFileSync(config(), "utf8");
  const [changed, listed] = await Promise.all([
    call("update_agent", { name: "infra", description: "Changed" }),
    call("list_agents"),
  ]);
  expect(listed).toBeInstanceOf(Array);
  expect(changed).toMatchObject({
    error_code: "platform.conflict",
    hint: expect.stringContaining(".config.json.lock"),
  });
  expect(readFileSync(config(), "utf8")).toBe(before);
});
