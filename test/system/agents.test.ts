/** Agents that are folders: made, shown, changed and taken away through the tools of a whole system on this machine. */
import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { startLocal } from "../../lib/system/local.ts";
import { connect, problemOf } from "../mcp/clients.ts";
import { systemClient, temporaryFolder } from "./system.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A folder with a system on it; `file` is the configuration it is given, and without one there is none. */
async function open(file?: string) {
  const root = realpathSync(temporaryFolder());
  const stateDir = join(root, "state");
  const configFile = join(root, "agents.json");
  if (file !== undefined) writeFileSync(configFile, file, { mode: 0o644 });
  const options = { stateDir, prewarm: false, log, ...(file !== undefined && { configFile }) };
  const system = await startLocal(options);
  onTestFinished(() => system.close());
  const client = await connect(system.url, "2026-07-28", system.token);
  return {
    root,
    stateDir,
    configFile: file === undefined ? join(stateDir, "agentdispatch.config.json") : configFile,
    ...systemClient(client),
    listTools: client.listTools,
    /** Makes a project with those files; resolves with its path. */
    project(name: string, files: Record<string, string> = {}): string {
      const folder = join(root, name);
      mkdirSync(folder, { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      return folder;
    },
    refusal: async (tool: string, args: Json) => problemOf(await client.call(tool, args)),
  };
}
type Open = Awaited<ReturnType<typeof open>>;

const itemsOf = async ({ must }: Open) => (await must("list_agents", {})).items as Json[];

const orders = {
  "CLAUDE.md": "# Orders\n\n<!-- for us -->\nServes the **orders** of the [shop](https://example.com) over HTTP.\n",
  "package.json": JSON.stringify({ description: "Order service", dependencies: { pg: "8" } }),
  "tsconfig.json": "{}",
  Dockerfile: "FROM scratch",
  ".mcp.json": JSON.stringify({ mcpServers: { portainer: { command: "x", env: { TOKEN: "hunter2" } }, lab: {} } }),
};

test("an agent is made of a folder, shown, given a task, changed and removed", async () => {
  const system = await open();
  const { must, project, configFile } = system;
  const workspace = project("orders", orders);
  const added = await must("add_agent", { name: "orders", workspace, framework: "echo", instructions: "Read only." });
  const seen = {
    name: "orders",
    workspace,
    framework: "echo",
    description: "Serves the orders of the shop over HTTP. | Order service | MCP: portainer, lab",
    healthy: true,
    stacks: ["TypeScript", "Node.js", "Docker"],
    databases: ["PostgreSQL"],
    mcpServers: ["portainer", "lab"],
    // As the Python program calls it.
    directory: workspace,
    has_claude_md: true,
    has_mcp_config: true,
    mcp_servers: ["portainer", "lab"],
    dbs: ["PostgreSQL"],
  };
  expect(added).toEqual({ ...seen, file: configFile, added: "orders", instructions: "Read only." });
  expect(statSync(configFile).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(configFile, "utf8"))).toEqual({
    runtimes: { orders: { backend: "local", workspace, instructions: "Read only.", framework: "echo" } },
  });
  expect(await itemsOf(system)).toEqual([seen]);
  const inspected = await must("inspect_agent", { name: "orders", preview_lines: 2 });
  expect(inspected).toMatchObject({
    ...seen,
    instructions: "Read only.",
    checks: expect.arrayContaining([{ name: "folder", status: "pass", message: `${workspace} can be read` }]),
    files: [{ name: "CLAUDE.md", preview: "# Orders\n", isWhole: false }],
    file: configFile,
  });
  expect(JSON.stringify(inspected)).not.toContain("hunter2");

  const { taskId } = await must("spawn_cloud_agent", { runtime: "orders", instruction: "Say hello" });
  const record = await system.ended(String(taskId));
  expect(record).toMatchObject({ status: "succeeded", trusted: true, profile: "orders" });
  expect(JSON.stringify(record.result)).toContain("## Standing instructions\\n\\nRead only.");

  expect(
    await must("update_agent", {
      name: "orders",
      description: "The orders",
      permission_mode: "plan",
      allowed_tools: [],
      denied_tools: ["Bash(rm *)"],
      timeout_seconds: 60,
      max_budget_usd: 1.5,
      max_tokens: 1000,
      model: "small",
    }),
  ).toMatchObject({
    description: "The orders",
    permissionMode: "plan",
    allowedTools: [],
    deniedTools: ["Bash(rm *)"],
    timeoutSeconds: 60,
    maxBudgetUsd: 1.5,
    maxTokens: 1000,
    model: "small",
  });
  const { limits } = await system.status(
    String((await must("spawn_cloud_agent", { runtime: "orders", instruction: "x" })).taskId),
  );
  expect(limits).toMatchObject({ timeoutSeconds: 60, maxBudgetUsd: 1.5, maxTokens: 1000 });
  const unset = ["allowed_tools", "model", "description", "instructions", "timeout_seconds"];
  const changed = await must("update_agent", { name: "orders", denied_tools: [], unset });
  expect(changed).toMatchObject({ ...seen, deniedTools: [], maxTokens: 1000 });
  for (const field of ["allowedTools", "model", "timeoutSeconds"]) expect(changed).not.toHaveProperty(field);

  expect(await must("remove_agent", { name: "orders" })).toEqual({
    name: "orders",
    workspace,
    file: configFile,
    removed: "orders",
  });
  expect(await itemsOf(system)).toEqual([]);
  expect(existsSync(join(workspace, "CLAUDE.md"))).toBe(true);
  expect(await system.refusal("inspect_agent", { name: "orders" })).toMatchObject({
    code: "runtime_profile.not_found",
    hint: "add_agent makes one of a folder",
  });
});

const commented = `// what we run
{
  "accounts": { "local": { "provider": "local" } }, // this machine
  "backends": {
    "here": { "adapter": "local-process", "account": "local" }
  },
  /* our agents */
  "runtimes": {
    // kept by hand
    "hand": { "backend": "here", "framework": "echo" } // not a folder
  },
  "defaults": { "runtime": "hand" }
}
`;

test("what a person wrote in the file stays, and is read again by each call", async () => {
  const system = await open(commented);
  const { must, project, configFile } = system;
  const workspace = project("web");
  await must("add_agent", { name: "web", workspace });
  await must("update_agent", { name: "web", framework: "echo" });
  const text = readFileSync(configFile, "utf8");
  for (const [comment] of commented.matchAll(/\/\/.*|\/\*.*\*\//g)) expect(text).toContain(comment);
  expect(text).toContain('"hand": { "backend": "here", "framework": "echo" }, // not a folder');
  expect(statSync(configFile).mode & 0o777).toBe(0o600);
  writeFileSync(configFile, text.replace('"web":', '"site":'));
  expect(await itemsOf(system)).toMatchObject([{ name: "site", description: "Project in web" }]);
  await must("remove_agent", { name: "site" });
  expect(readFileSync(configFile, "utf8")).toBe(commented);
  expect(await system.refusal("remove_agent", { name: "hand" })).toMatchObject({
    code: "runtime_profile.not_found",
    message: "the runtime profile hand lives in no folder",
  });
});

test("a file behind a symbolic link is changed where it is", async () => {
  const system = await open("{}");
  const { root, configFile, must, project } = system;
  const elsewhere = join(root, "dotfiles");
  mkdirSync(elsewhere);
  rmSync(configFile);
  symlinkSync(join(elsewhere, "agents.json"), configFile);
  writeFileSync(join(elsewhere, "agents.json"), "{}");
  await must("add_agent", { name: "web", workspace: project("web") });
  expect(realpathSync(configFile)).toBe(join(elsewhere, "agents.json"));
  expect(readFileSync(join(elsewhere, "agents.json"), "utf8")).toContain('"web"');
});

test("a file with a mistake in it is neither changed nor lost", async () => {
  const system = await open("{}");
  const broken = '{ "runtimes": { "a": {} }';
  writeFileSync(system.configFile, broken);
  const args = { name: "web", workspace: system.project("web") };
  expect(await system.refusal("add_agent", args)).toMatchObject({ code: "configuration.invalid" });
  expect(readFileSync(system.configFile, "utf8")).toBe(broken);
});

describe("a folder is not registered that", () => {
  test.each([
    ["is relative", () => "orders", "must be an absolute path"],
    ["is not there", ({ root }: Open) => join(root, "nowhere"), "there is no folder"],
    ["is a file", ({ project }: Open) => join(project("p", { file: "" }), "file"), "is not a folder"],
    ["holds the state", ({ stateDir }: Open) => stateDir, "is part of the state of this system"],
    ["is in the state", ({ stateDir }: Open) => join(stateDir, "artifacts"), "is part of the state of this system"],
    ["everybody may write in", () => "/tmp", "others may write in /tmp"],
  ])("%s", async (_what, path, message) => {
    const system = await open();
    const workspace = path(system);
    const refused = await system.refusal("add_agent", { name: "web", workspace });
    expect(refused).toMatchObject({ code: "input.invalid", message: expect.stringContaining(message) });
    expect(existsSync(system.configFile)).toBe(false);
  });

  test("a link in the state leads to, or belongs to somebody else", async ({ skip }) => {
    const system = await open();
    const link = join(system.root, "link");
    symlinkSync(join(system.stateDir, "artifacts"), link);
    expect(await system.refusal("add_agent", { name: "web", workspace: link })).toMatchObject({
      code: "input.invalid",
    });
    if (process.getuid?.() !== 0) skip("only root can give a folder away");
    const theirs = system.project("theirs");
    chownSync(theirs, 12_345, 12_345);
    expect(await system.refusal("add_agent", { name: "web", workspace: theirs })).toMatchObject({
      message: `workspace: others may write in ${theirs}, and so could steer the agent`,
    });
  });

  test("under a name that is taken", async () => {
    const system = await open();
    const workspace = system.project("web");
    await system.must("add_agent", { name: "web", workspace });
    for (const name of ["web", "local"])
      expect(await system.refusal("add_agent", { name, workspace })).toMatchObject({
        message: `name: there is a runtime profile ${name} already`,
      });
    for (const name of ["", "../x", "a b", "__proto__", "-x"])
      expect(await system.refusal("add_agent", { name, workspace })).toMatchObject({ code: "input.invalid" });
  });
});

test("a folder by way of a link is written down as the folder that it is", async () => {
  const system = await open();
  const workspace = system.project("web");
  symlinkSync(workspace, join(system.root, "link"));
  expect(await system.must("add_agent", { name: "web", workspace: join(system.root, "link") })).toMatchObject({
    workspace,
  });
});

test("a call of the Python program is understood", async () => {
  const system = await open();
  const directory = system.project("web");
  const rest = {
    permission_mode: "plan",
    allowed_tools: "Read, Grep,",
    disallowed_tools: "Bash",
    timeout: 90,
    model: "",
  };
  const labels = { capabilities: "logs,deploys", risky_capabilities: "restarts", instructions: "Read only." };
  const added = await system.must("add_agent", { name: "web", directory, max_budget_usd: 0, ...rest, ...labels });
  expect(added).toMatchObject({
    directory,
    allowed_tools: ["Read", "Grep"],
    disallowed_tools: ["Bash"],
    timeoutSeconds: 90,
    capabilities: ["logs", "deploys"],
    risky_capabilities: ["restarts"],
  });
  await system.must("update_agent", {
    name: "web",
    description: "The web",
    timeout: 0,
    allowed_tools: "none",
    capabilities: "none",
  });
  const [{ allowed_tools, capabilities, ...shown } = {}] = await itemsOf(system);
  expect([allowed_tools, capabilities]).toEqual([undefined, undefined]);
  expect(shown).toMatchObject({ description: "The web", timeoutSeconds: 90, disallowed_tools: ["Bash"] });
  expect(
    await system.must("update_agent", {
      name: "web",
      model: "NONE",
      instructions: " ",
      max_budget_usd: -1,
      timeout: 60,
    }),
  ).toMatchObject({ updated: "web", fields: ["model", "max_budget_usd", "timeout"] });
  expect((await system.refusal("update_agent", { name: "web", model: "", timeout: 0 })).message).toContain(
    "names nothing to change",
  );
  const both = { name: "web", workspace: directory, directory };
  expect((await system.refusal("update_agent", both)).message).toContain('"directory"');
});

test("an agent is shown as that program shows it, and what goes wrong is a text", async () => {
  const system = await open();
  const directory = system.project("web", { "README.md": "one\ntwo\n", "CLAUDE.md": "Be brief." });
  await system.must("add_agent", { name: "web", directory, instructions: "Read only.", max_budget_usd: 2 });
  const shown = await system.must("inspect_agent", { name: "web", preview_lines: 1 });
  expect(shown).toMatchObject({
    name: "web",
    directory,
    timeout: 3600,
    max_budget_usd: 2,
    instructions: "Read only.",
    has_claude_md: true,
    claude_md_preview: "Be brief.",
    has_readme: true,
    readme_preview: "one",
    readme_truncated: true,
    has_mcp_config: false,
    mcp_servers: [],
    stacks: [],
    dbs: [],
  });
  expect(shown).not.toHaveProperty("claude_md_truncated");
  const without = await system.must("inspect_agent", { name: "web", preview_lines: 0 });
  expect(without).toMatchObject({ has_readme: true });
  expect(without).not.toHaveProperty("readme_preview");
  expect(await system.must("inspect_agent", { name: "web", preview_lines: 1000 })).toMatchObject({
    readme_preview: "one\ntwo\n",
  });
  for (const [tool, args] of [
    ["inspect_agent", { name: "nobody" }],
    ["update_agent", { name: "nobody", model: "small" }],
    ["remove_agent", { name: "nobody" }],
    ["add_agent", { name: "web", directory }],
    ["inspect_group", { name: "nobody" }],
    ["dispatch_gc", { max_age_days: -1 }],
  ] as const) {
    const { isError, text } = await system.call(tool, args);
    expect([tool, isError, text]).toEqual([
      tool,
      true,
      expect.objectContaining({ error: expect.any(String), error_code: expect.any(String) }),
    ]);
  }
});

test("every field that is wrong is named", async () => {
  const system = await open();
  const workspace = system.project("web");
  await system.must("add_agent", { name: "web", workspace });
  const wrong = { colour: "red", permission_mode: "sometimes", allowed_tools: [1], timeout_seconds: -1 };
  const pathsOf = ({ details }: Json) => (details as { issues: Json[] }).issues.map(({ path }) => path);
  const paths = ["permission_mode", "allowed_tools.0", "timeout_seconds", ""];
  expect(pathsOf(await system.refusal("add_agent", { name: "x", workspace, ...wrong }))).toEqual(paths);
  expect(pathsOf(await system.refusal("update_agent", { name: "web", ...wrong }))).toEqual(paths);
  expect(pathsOf(await system.refusal("update_agent", { name: "web", unset: ["workspace"] }))).toEqual(["unset.0"]);
  expect(await system.refusal("update_agent", { name: "web", model: "x", unset: ["model"] })).toMatchObject({
    message: "unset: names what is given as well: model",
  });
  for (const tool of ["list_agents", "inspect_agent", "remove_agent"])
    expect((await system.refusal(tool, { name: "web", colour: 1 })).message).toContain('"colour"');
});

test("what was only tried is not written", async () => {
  const system = await open();
  const args = { name: "web", workspace: system.project("web"), dry_run: true };
  expect(await system.must("add_agent", args)).toMatchObject({ name: "web", dryRun: true });
  expect(existsSync(system.configFile)).toBe(false);
  expect(await system.refusal("add_agent", { ...args, name: "local" })).toMatchObject({ code: "input.invalid" });
});

test("an agent without a machine of its own has nowhere to live", async () => {
  const system = await open(JSON.stringify({ accounts: { dev: { provider: "aws" } } }));
  expect(await system.refusal("add_agent", { name: "web", workspace: system.project("web") })).toMatchObject({
    code: "backend.not_found",
    hint: expect.stringContaining('"local": { "provider": "local" }'),
  });
});

test("an agent whose folder is gone says so, as does one whose framework is not there", async () => {
  const system = await open();
  const { must, project } = system;
  const gone = project("gone");
  await must("add_agent", { name: "gone", workspace: gone, framework: "echo" });
  await must("add_agent", { name: "odd", workspace: project("odd"), framework: "no-such-framework" });
  rmSync(gone, { recursive: true });
  expect(await itemsOf(system)).toMatchObject([
    { name: "gone", healthy: false, problems: [`there is no folder ${gone}`] },
    { name: "odd", healthy: false, problems: [expect.stringContaining("no-such-framework")] },
  ]);
  expect(await system.refusal("spawn_cloud_agent", { runtime: "gone", instruction: "x" })).toMatchObject({
    code: "task.workspace_not_found",
  });
});

test("nothing outside of a folder is read for it, nor without end", async () => {
  const system = await open();
  const { must, project, root } = system;
  writeFileSync(join(root, "secret.md"), "The secret of the neighbours is told here.");
  writeFileSync(join(root, "secret.json"), JSON.stringify({ mcpServers: { stolen: {} } }));
  const workspace = project("web", { "AGENTS.md": "Draws the pages of the shop." });
  symlinkSync("../secret.md", join(workspace, "CLAUDE.md"));
  symlinkSync("../secret.json", join(workspace, ".mcp.json"));
  symlinkSync("AGENTS.md", join(workspace, "GEMINI.md"));
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", join(workspace, "README.md")]);
  await must("add_agent", { name: "web", workspace });
  const shown = await must("inspect_agent", { name: "web" });
  expect(shown).toMatchObject({ description: "Draws the pages of the shop.", mcpServers: [] });
  expect((shown.files as Json[]).map(({ name }) => name)).toEqual(["AGENTS.md", "GEMINI.md"]);
  writeFileSync(join(workspace, "AGENTS.md"), `${"long ".repeat(100_000)}\n`.repeat(3));
  const long = await must("inspect_agent", { name: "web", preview_lines: 200 });
  expect(JSON.stringify(long).length).toBeLessThan(40_000);
  expect((long.files as Json[])[0]).toMatchObject({ isWhole: false });
});

test("systems that change one file at the same time lose nothing", async () => {
  const first = await open("{}");
  const other = await startLocal({
    stateDir: join(first.root, "other"),
    configFile: first.configFile,
    prewarm: false,
    log,
  });
  onTestFinished(() => other.close());
  const second = await connect(other.url, "2026-07-28", other.token);
  const workspace = first.project("web");
  const names = Array.from({ length: 10 }, (_, i) => `agent-${i}`);
  let reads = 0;
  let isDone = false;
  const reader = (async () => {
    for (; !isDone; reads++) {
      JSON.parse(readFileSync(first.configFile, "utf8"));
      await new Promise(setImmediate);
    }
  })();
  await Promise.all(names.map((name, i) => (i % 2 ? first : second).call("add_agent", { name, workspace })));
  isDone = true;
  await reader;
  expect(reads).toBeGreaterThan(names.length);
  expect((await itemsOf(first)).map(({ name }) => name)).toEqual(names);
});

test("another process that holds the file is waited for", async () => {
  const { configFile, must, project } = await open("{}");
  const lock = join(dirname(configFile), ".agents.json.lock");
  const script = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(process.argv[1]);
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"); console.log("held"); process.stdin.once("end", () => process.exit()).resume();`;
  const holder = spawn(process.execPath, ["-e", script, lock], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  let isAdded = false;
  const adding = must("add_agent", { name: "web", workspace: project("web") }).then(() => {
    isAdded = true;
  });
  await must("list_agents", {});
  expect(isAdded).toBe(false);
  holder.stdin.end();
  await adding;
  expect(readFileSync(configFile, "utf8")).toContain('"web"');
});

test("a file that cannot be changed is told", async () => {
  const { root, configFile, refusal, project } = await open("{}");
  const workspace = project("web");
  mkdirSync(join(root, ".agents.json.lock"));
  expect(await refusal("add_agent", { name: "web", workspace })).toMatchObject({
    code: "configuration.unwritable",
    hint: expect.stringContaining("permissions"),
  });
  expect(readFileSync(configFile, "utf8")).toBe("{}");
});

test("the worker is told that a folder is trusted, and of no other", async () => {
  const teller = join(realpathSync(temporaryFolder()), "tell.mjs");
  writeFileSync(
    teller,
    'let t = ""; for await (const c of process.stdin) t += c; console.log(String(JSON.parse(t).trusted), process.cwd());',
  );
  const environment = { AGENTDISPATCH_FRAMEWORK_COMMAND_TELL: `${process.execPath} ${teller}` };
  const system = await open(
    JSON.stringify({
      accounts: { local: { provider: "local" } },
      backends: { here: { adapter: "local-process", account: "local", details: { environment } } },
      runtimes: { plain: { backend: "here", framework: "tell" } },
      defaults: { runtime: "plain" },
    }),
  );
  const workspace = system.project("web");
  const checkout = system.project("checkout");
  await system.must("add_agent", { name: "web", workspace, framework: "tell" });
  const said = async (call: Json) => {
    const { taskId } = await system.must("spawn_cloud_agent", { instruction: "x", ...call });
    return JSON.stringify((await system.ended(String(taskId))).result);
  };
  const at = (folder: string) => ({ target: { details: { workspace: folder } } });
  expect(await said({ runtime: "web" })).toContain(`true ${workspace}`);
  expect(await said({ runtime: "web", ...at(checkout) })).toContain(`undefined ${checkout}`);
  expect(await said({ runtime: "web", ...at(workspace) })).toContain(`undefined ${workspace}`);
  expect(await said({ runtime: "plain", ...at(workspace) })).toContain(`undefined ${workspace}`);
  expect(await said({ runtime: "plain" })).toContain("undefined ");
});

test("what an agent usually takes is told once it had enough tasks", async () => {
  const system = await open();
  const workspace = system.project("web");
  await system.must("add_agent", { name: "web", workspace, framework: "echo" });
  const run = async () => {
    const { taskId } = await system.must("spawn_cloud_agent", { runtime: "web", instruction: "x" });
    await system.ended(String(taskId));
  };
  await run();
  await run();
  expect((await itemsOf(system))[0]).not.toHaveProperty("typical");
  await run();
  const typical = { tasks: 3, failed: 0, medianSeconds: expect.any(Number), p90Seconds: expect.any(Number) };
  expect(await itemsOf(system)).toMatchObject([{ typical }]);
  expect(await system.must("inspect_agent", { name: "web" })).toMatchObject({ typical });
});
