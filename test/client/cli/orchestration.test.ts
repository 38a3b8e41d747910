/** Several agents from the command line, as real processes: `parallel`, `dialogue`, `tree`, and the server that is registered. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connectStdio } from "../../mcp/clients.ts";
import { fixture } from "../../worker/start-worker.ts";
import { Cli, cli, makeFolder, removeFolder } from "./cli.ts";

let folder = "";
beforeAll(async () => {
  folder = await makeFolder();
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { local: { adapter: "local-process", account: "local" } },
      runtimes: { a1: { backend: "local", framework: "scripted" }, a2: { backend: "local", framework: "scripted" } },
    }),
  );
});
afterAll(async () => {
  await cli(["local", "stop", "--state-dir", join(folder, "served")]);
  await removeFolder(folder);
});

const env = { AGENTDISPATCH_FRAMEWORK_COMMAND_SCRIPTED: `${process.execPath} ${fixture("scripted-agent.mjs")}` };
const run = ([name = "", ...args]: string[], stdin?: string) =>
  cli([name, "--config", join(folder, "config.json"), "--state-dir", join(folder, "state"), ...args], {
    env,
    ...(stdin !== undefined && { stdin }),
  });

test("agents work at the same time, and what they came to is printed in order", async () => {
  const items = [
    { agent: "a1", task: "one", context: "a fact" },
    { agent: "a2", task: "fail two" },
  ];
  const both = await run(["parallel", "-"], JSON.stringify(items));
  expect(both).toMatchObject({ code: 0, err: expect.stringContaining("succeeded") });
  expect(both.out).toMatch(/## 1\. a1: succeeded\ndone: one[\s\S]*## 2\. a2: failed/);
  writeFileSync(join(folder, "items.json"), JSON.stringify(items));
  const json = await run([
    "parallel",
    join(folder, "items.json"),
    "--aggregate",
    "a1",
    "--max-parallel",
    "1",
    "--json",
  ]);
  const { id, result } = JSON.parse(json.out);
  expect(result).toMatchObject({
    individual_results: [{ success: true }, { success: false }],
    aggregated: { agent: "a1" },
  });
  const shown = await run(["tree", id]);
  expect(shown.out).toMatch(
    /^task_\w+ +succeeded +\S+ +3 tasks\n├ task_\w+ +succeeded +a1 +one\n├ task_\w+ +failed +a2/,
  );
  expect(JSON.parse((await run(["tree", id, "--json"])).out)).toMatchObject({
    task: { id },
    children: [{ task: { parent: id }, children: [] }, {}, {}],
    root: id,
  });
});

test("a tree is told with what is left of its limits, where a system runs, also from a task within it", async () => {
  const stateDir = join(folder, "staying");
  const place = ["--config", join(folder, "config.json"), "--state-dir", stateDir];
  const system = new Cli(["local", ...place, "--port", "0"], { env });
  onTestFinished(() => void system.kill("SIGTERM"));
  await system.shows("/mcp");
  const items = JSON.stringify(["one", "two", "three"].map((task) => ({ agent: "a1", task })));
  const { id } = JSON.parse((await cli(["parallel", "-", ...place, "--json"], { stdin: items, env })).out);
  const shown = await cli(["tree", id, ...place]);
  expect(shown.out).toMatch(
    /\n├ .* one\n├ .* two\n└ .* three\n4 tasks, 0 not ended, \$0\.00 spent\nleft: 2496 of 2500 tasks, /,
  );
  const whole = JSON.parse((await cli(["tree", id, ...place, "--json"])).out);
  expect(whole).toMatchObject({
    root: id,
    standing: { tasks: 4, running: 0, limits: { maxTreeTasks: { value: 2500, used: 4, left: 2496 } } },
  });
  const child = whole.children[1].task.id;
  expect((await cli(["tree", child, ...place])).out).toMatch(
    new RegExp(`^${child.slice(0, 13)} .*two\\n4 tasks in the tree of ${id}, `),
  );
});

test("what cannot be read is said before anything is dispatched", async () => {
  expect(await run(["parallel", "-"], "no json")).toMatchObject({
    code: 2,
    err: expect.stringContaining("is no JSON"),
  });
  expect(await run(["parallel", "-"], "{}")).toMatchObject({ code: 2, err: expect.stringContaining("{agent, task}") });
  expect(await run(["parallel", join(folder, "missing.json")])).toMatchObject({ code: 2 });
});

test("an item says once what its agent is to do", async () => {
  const items = [
    { agent: "a1", task: "one" },
    { agent: "a1", task: "two", instruction: "three" },
  ];
  const { code, err } = await run(["parallel", "-"], JSON.stringify(items));
  expect(err).toContain("items.1.task: is another name for instruction, which is given too");
  expect(code).toBe(2);
});

test("agents and programs run under an account of any name", async () => {
  const config = join(folder, "named.json");
  writeFileSync(
    config,
    JSON.stringify({
      accounts: { other: { provider: "local" }, mine: { provider: "local" } },
      backends: {
        theirs: { adapter: "local-process", account: "other" },
        here: { adapter: "local-process", account: "mine" },
      },
      runtimes: { a1: { backend: "here", framework: "scripted" }, a2: { backend: "here", framework: "scripted" } },
    }),
  );
  const named = async (args: string[], stdin?: string) => {
    const place = ["--config", config, "--state-dir", join(folder, "named"), "--json"];
    const { code, out, err } = await cli([...args, ...place], { env, ...(stdin !== undefined && { stdin }) });
    expect(code, err).toBe(0);
    return JSON.parse(out);
  };
  // What is made of tasks of agents is kept where they run.
  const mine = { status: "succeeded", accountProfile: "mine" };
  expect(await named(["parallel", "-"], '[{"agent": "a1", "task": "one"}]')).toMatchObject(mine);
  expect(await named(["dialogue", "a1", "a2", "the sky", "--max-rounds", "1"])).toMatchObject(mine);
  // With no usual agent, each runs where the whole is kept, as does a program.
  const other = { status: "succeeded", accountProfile: "other" };
  expect(await named(["parallel", "-"], '[{"framework": "scripted", "task": "one"}]')).toMatchObject(other);
  expect(await named(["run", "--command", "true"])).toMatchObject(other);
});

test("two agents talk", async () => {
  const { code, out } = await run(["dialogue", "a1", "a2", "why is the sky blue", "--max-rounds", "1"]);
  expect(out).toMatch(/^## a2\n[\s\S]*## a1\n[\s\S]*not resolved after 1 rounds\n$/);
  expect(code).toBe(0);
});

test("a registration of the Python program, agent-dispatch serve, is answered by this one", async () => {
  const args = [join(import.meta.dirname, "../../../bin/agent-dispatch.js"), "serve"];
  const place = ["--config", join(folder, "config.json"), "--state-dir", join(folder, "served")];
  const client = await connectStdio(
    {
      command: process.execPath,
      args: [...args, ...place],
      env: { ...env, PATH: process.env.PATH ?? "", HOME: folder },
    },
    "2025-11-25",
  );
  const { text } = await client.call("dispatch", { agent: "a1", task: "hello" });
  expect(text).toMatchObject({ agent: "a1", success: true, result: "done: hello" });
});
