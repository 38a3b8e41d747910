/** The commands for agents that live in folders, as a person types them. */
import { mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";
import { temporaryFolder } from "../../system/system.ts";
import { cli } from "./cli.ts";

/** An agent that says that it thinks, and answers with its prompt. */
const thinking = `let text = "";
  for await (const chunk of process.stdin) text += chunk;
  console.error('@event {"type":"task.progress","message":"thinking"}');
  console.log(JSON.parse(text).prompt);`;

function open() {
  const root = realpathSync(temporaryFolder());
  const stateDir = join(root, "state");
  const api = join(root, "api");
  for (const folder of [api, stateDir]) mkdirSync(folder);
  shareCompiledCode(stateDir);
  writeFileSync(join(api, "CLAUDE.md"), "# Api\n\nServes the orders of the shop.\n\nMore.\n");
  writeFileSync(join(api, ".mcp.json"), '{"mcpServers":{"lab":{"env":{"KEY":"hunter2"}}}}');
  const tell = join(root, "tell.mjs");
  writeFileSync(tell, thinking);
  const env = { HOME: root, AGENTDISPATCH_FRAMEWORK_COMMAND_TELL: `${process.execPath} ${tell}` };
  const run = (...args: string[]) => cli([...args, "--state-dir", stateDir], { cwd: root, env });
  return {
    root,
    api,
    run,
    configFile: join(stateDir, "agentdispatch.config.json"),
    json: async (...args: string[]) => JSON.parse((await run(...args, "--json")).out) as Json,
  };
}

const settings = ["--framework", "tell", "--instructions", "Read only.", "--timeout", "2m"];

test("an agent is added, listed, described and removed, with no system running", async () => {
  const { run, json, api, configFile } = open();
  const added = await run("add", "api", "api", ...settings);
  expect(added).toMatchObject({ code: 0, err: `› written to ${configFile}; its folder is trusted\n` });
  expect(added.out).toMatch(/^what for +Serves the orders of the shop\. \| MCP: lab$/m);
  expect(statSync(configFile).mode & 0o777).toBe(0o600);
  const list = await run("list", "--agents");
  expect(list.out).toMatch(/^✔ {2}api +tell +Serves the orders of the shop/m);

  const described = await run("describe", "api", "--lines", "3");
  expect(described.out).toMatch(/^✔ {2}folder +/m);
  expect(described.out).toContain("standing instructions\nRead only.\n");
  expect(described.out).toContain("CLAUDE.md, the beginning\n# Api\n\nServes the orders of the shop.\n");
  expect(described.out).not.toContain("hunter2");
  expect(await json("describe", "api")).toMatchObject({ workspace: api, timeoutSeconds: 120, healthy: true });

  expect((await run("remove", "api")).out).toBe(`api is no agent any more; ${api} stays as it is\n`);
  expect((await run("list", "--agents")).out).toMatch(
    /^no agents; .*agent-dispatch(?:\.js)? add makes one of a folder\n$/,
  );
});

test("an agent is changed, option by option", async () => {
  const { run, json } = open();
  await run("add", "api", "api", ...settings);
  const more = ["--permission-mode", "plan", "--allowed-tools", "none", "--denied-tools", "Bash(rm, mv),Write"];
  const changed = await json("update", "api", ...more, "--max-budget", "0.5", "--unset", "timeout,instructions");
  expect(changed).toMatchObject({
    permissionMode: "plan",
    allowedTools: [],
    deniedTools: ["Bash(rm, mv)", "Write"],
    maxBudgetUsd: 0.5,
  });
  expect(changed).not.toHaveProperty("timeoutSeconds");
  expect(await json("list", "--agents")).toEqual({
    items: [expect.objectContaining({ deniedTools: ["Bash(rm, mv)", "Write"] })],
  });
});

test("an agent is tried with a small task, quietly unless one wants to see it", async () => {
  const { run, json } = open();
  await run("add", "api", "api", ...settings);
  const tried = await run("test", "api", "Say hello");
  expect(tried.code).toBe(0);
  expect(tried.out).toContain("## Standing instructions\n\nRead only.\n\n## Task\n\nSay hello");
  expect(tried.err).toMatch(/^✔ succeeded in /m);
  expect(tried.err).not.toContain("thinking");
  expect((await run("test", "api", "--stream")).err).toMatch(/^› thinking$/m);
  expect(await json("test", "api")).toMatchObject({ status: "succeeded", trusted: true, exitCode: 0 });
});

test("what is wrong is told in the words of the command line", async () => {
  const { run } = open();
  expect(await run("describe", "api")).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /^error: no agent is named api\nhint: .*agent-dispatch(?:\.js)? add --state-dir \S+ makes one of a folder\n$/,
    ),
  });
  expect(await run("add", "local", "api")).toMatchObject({
    code: 2,
    err: expect.stringContaining("error: name: there is a runtime profile local already"),
  });
  expect(await run("add", "x", "nowhere")).toMatchObject({
    code: 2,
    err: expect.stringContaining("there is no folder"),
  });
  expect((await run("update", "x", "--unset", "colour")).err).toContain("There are: description, instructions");
  expect((await run("add", "x", "api", "--max-budget", "-1")).code).toBe(2);
});

test("a group is made, shown, changed and removed, and its member told what it shares", async () => {
  const { run, json } = open();
  await run("add", "api", "api", ...settings);
  const made = ["--member", "api=the orders", "--description", "Ask api", "--shared-context", "Stack shop-prod"];
  expect((await run("group", "add", "shop", ...made)).out).toMatch(/^shop\n\nhow to work with it\nAsk api\n/);
  expect((await run("group", "list")).out).toMatch(/^shop {2}Ask api\n {2}✔ {2}api {2}the orders\n$/);
  expect((await run("run", "--runtime", "api", "--group", "shop", "Which queue?")).out).toContain(
    "- Shared context (group shop): Stack shop-prod",
  );
  expect(await json("group", "update", "shop", "--shared-context", "", "--remove-member", "api")).toMatchObject({
    shared_context: "",
    members: [],
  });
  expect((await run("run", "--runtime", "api", "--group", "shop", "Which queue?")).err).toMatch(
    /group: api is no member of shop\nhint: it has no members; .*agent-dispatch(?:\.js)? group update --state-dir \S+ adds/,
  );
  expect((await run("group", "remove", "shop")).out).toBe("shop is no group any more; its agents stay\n");
  expect((await run("group", "inspect", "shop")).code).toBe(2);
});

const python = `# Agent Dispatch
agents:
  infra:
    directory: ~/api
    description: Runs the stacks
    timeout: 600
    max_budget_usd: 2.5
    model: opus
    permission_mode: bypassPermissions
    allowed_tools: []
    disallowed_tools: [Bash(rm *), Write]
    capabilities: [deploy]
    risky_capabilities: [restarts, ${"long".repeat(50)}]
    instructions: |
      Never restart a stack.
  data:
    directory: ~/api
    timeout: 0
    permission_mode: sometimes
  gone:
    directory: ~/gone
    timeout: 99999
    colour: red
groups:
  platform:
    description: who to ask
    shared_context: the facts
    members: [{agent: infra, use_for: deploys}, {agent: gone}]
    colour: blue
settings:
  default_timeout: 120
  default_allowed_tools: [Read]
  max_concurrency: 5
  cache: {enabled: true}
extra: 1
`;

describe("an agents.yaml of the Python program", () => {
  const plan = {
    dryRun: false,
    agents: [
      {
        name: "infra",
        imported: true,
        leftOut: [{ field: "risky_capabilities", reason: expect.stringContaining("labels") }],
      },
      {
        name: "data",
        imported: true,
        leftOut: [{ field: "permission_mode", reason: expect.stringContaining("sometimes") }],
      },
      {
        name: "gone",
        imported: false,
        leftOut: [{ field: "colour" }, { field: "timeout", reason: expect.stringContaining("27000 s") }],
        error: { code: "input.invalid" },
      },
    ],
    groups: [{ name: "platform", imported: true, leftOut: [{ field: "colour" }, { field: "members.gone" }] }],
    leftOut: [
      { field: "settings.max_concurrency", reason: expect.stringContaining("maxRunning") },
      { field: "settings.cache" },
      { field: "extra", reason: "not known to this program" },
    ],
  };

  test("is taken over field by field, and what is left out is named", async () => {
    const { root, api, run, json, configFile } = open();
    const file = join(root, "agents.yaml");
    writeFileSync(file, python);
    const tried = await run("import", file, "--dry-run");
    expect(tried.code).toBe(1);
    expect(tried.out).toContain(`would be made infra: ${api}\n  left out: risky_capabilities: there may be`);
    expect(tried.out).toContain(`refused gone: workspace: there is no folder ${join(root, "gone")}\n`);
    expect(tried.out).toContain("would be made group platform\n  left out: colour: ");
    expect(await json("list", "--agents")).toEqual({ items: [] });

    expect(await json("import", file)).toMatchObject({ ...plan, file: configFile });
    const { runtimes, groups } = JSON.parse(readFileSync(configFile, "utf8")) as { runtimes: Json; groups: Json };
    expect(groups).toEqual({
      platform: {
        description: "who to ask",
        sharedContext: "the facts",
        members: [{ agent: "infra", useFor: "deploys" }],
      },
    });
    expect(runtimes).toEqual({
      infra: {
        backend: "local",
        workspace: api,
        description: "Runs the stacks",
        instructions: "Never restart a stack.",
        framework: "claude-code",
        model: "opus",
        runtimeTools: {
          permissionMode: "bypassPermissions",
          allowedTools: [],
          deniedTools: ["Bash(rm *)", "Write"],
        },
        limits: { timeoutSeconds: 600, maxBudgetUsd: 2.5 },
        capabilities: ["deploy"],
        riskyCapabilities: ["restarts"],
      },
      data: {
        backend: "local",
        workspace: api,
        framework: "claude-code",
        runtimeTools: { allowedTools: ["Read"] },
        limits: { timeoutSeconds: 120 },
      },
    });
    expect((await json("import", file)).agents).toMatchObject([{ imported: false }, { imported: false }, {}]);
  });

  test.each([
    ["is no YAML", "agents: [", /1:10: not YAML/],
    ["is something else", "- a\n- b\n", /error: /],
    ["has wrong fields", "agents: {a: {directory: 7, timeout: -1}}", /agents\.a\.directory.*agents\.a\.timeout/],
    ["has names that cannot be", 'agents: {"../a": {directory: x}}', /agents\.\.\.\/a: is no name/],
    ["is made to fill the memory", bomb(), /aliases stand for too much/],
    ["is too large", `# ${"x".repeat(1024 * 1024)}`, /larger than/],
  ])("is refused that %s", async (_what, text, message) => {
    const { root, run } = open();
    const file = join(root, "agents.yaml");
    writeFileSync(file, text);
    const { code, err } = await run("import", file);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test("is refused that is not there, or no file", async () => {
    const { root, run } = open();
    expect((await run("import", join(root, "none"))).err).toContain("there is no such file");
    expect((await run("import", root)).err).toContain("it is no file");
  });
});

/** Lists of lists, each of which stands for ten of the one before. */
function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`);
  return `a0: &a0 [x]\n${lines.join("\n")}\n`;
}
