/** What `init` writes, and how it tells each assistant of us, on the real command line and in a home of its own. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentCore } from "../../../lib/backends/agentcore/description.ts";
import { localProcess } from "../../../lib/backends/local-process/description.ts";
import { packageFolder } from "../../../lib/client/cli/command-name.ts";
import { main } from "../../../lib/client/cli/program.ts";
import { loadConfiguration } from "../../../lib/config/config-file.ts";
import { cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";
import { memoryIo } from "./memory-io.ts";

const ARN = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234";
const CONFIG = "agentdispatch.config.json";

let [folder, home, bin] = ["", "", ""];
eachInFolder((made) => {
  folder = made;
});
beforeEach(() => {
  [home, bin] = [join(folder, "home"), join(folder, "bin")];
  for (const path of [home, bin]) mkdirSync(path);
  process.chdir(home);
});

const here = process.cwd();
afterEach(() => process.chdir(here));

const at = (...names: string[]): string => join(home, ...names);
const read = (...names: string[]): string => readFileSync(at(...names), "utf8");
function put(text: string, ...names: string[]): void {
  mkdirSync(dirname(at(...names)), { recursive: true });
  writeFileSync(at(...names), text);
}
/** In this process, in the folder of the home: a start takes longer than all that is done here. */
async function run(args: string[], env: Record<string, string> = {}) {
  const io = memoryIo({ HOME: home, PATH: [bin, process.env.PATH].join(delimiter), ...env });
  const local = { stateDir: unused, find: unused, idsBeginning: unused, read: unused, start: unused };
  const code = await main(args, { io, local, patienceMs: 0, onDeparture: () => () => {}, exit() {} });
  return { code, out: io.out(), err: io.err() };
}
const unused = (): never => {
  throw new Error("no system is asked here");
};
const init = (...args: string[]) => run(["init", ...args]);
const load = () =>
  loadConfiguration({ cwd: home, env: { HOME: home }, configFile: CONFIG, adapters: [localProcess, agentCore] });

/** A claude that keeps its servers as the real one does, as far as `mcp add-json` and `mcp remove` go. */
function installClaude(): void {
  const script = `#!${process.execPath}
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const file = process.env.HOME + "/.claude.json";
const state = existsSync(file) ? JSON.parse(readFileSync(file)) : { userID: "somebody" };
const [, what, scope, user, name, json] = process.argv.slice(2);
const servers = (state.mcpServers ??= {});
if (scope !== "--scope" || user !== "user") process.exit(2);
if (what === "add-json" && servers[name]) { console.error("it already exists in user config"); process.exit(1); }
if (process.env.REFUSED && json?.includes(process.env.REFUSED)) { console.error("not today"); process.exit(1); }
if (what === "add-json") servers[name] = JSON.parse(json);
else delete servers[name];
writeFileSync(file, JSON.stringify(state));
`;
  writeFileSync(join(bin, "claude"), script);
  chmodSync(join(bin, "claude"), 0o755);
}

describe("the configuration file", () => {
  test("is one for this machine without a word about AWS, and is never written over without --force", async () => {
    const { code, out } = await init();
    expect({ code, file: load().file }).toEqual({ code: 0, file: at(CONFIG) });
    expect(Object.keys(load().configuration.accounts)).toEqual(["local"]);
    expect(out).toContain('+   "accounts": {');
    expect(statSync(at(CONFIG)).mode & 0o777).toBe(0o600);
    const before = read(CONFIG);
    const again = await init("--region", "us-west-2");
    expect(again).toMatchObject({ code: 2, err: expect.stringMatching(/is there already\nhint: --force replaces it/) });
    expect(read(CONFIG)).toBe(before);
    expect((await init("--region", "us-west-2", "--force")).code).toBe(0);
    expect(load().configuration.accounts.aws).toMatchObject({ provider: "aws", region: "us-west-2" });
  });

  test("is written by the real command too", async () => {
    const { code, err } = await cli(["init"], { cwd: home, env: { HOME: home } });
    expect(code).toBe(0);
    expect(err).toMatch(/^› written: .*\n› next: .* doctor says whether all of it works$/m);
    expect(load().file).toBe(at(CONFIG));
  });

  test("names what the options name, and says of each part what it is", async () => {
    expect((await init("--runtime-arn", ARN, "--protocol", "a2a", "--account", "dev")).code).toBe(0);
    const { configuration } = load();
    expect(configuration.backends.agentcore).toMatchObject({
      adapter: "aws-agentcore",
      account: "dev",
      details: { region: "us-west-2", runtimeArn: ARN, protocol: "a2a" },
    });
    expect(configuration.runtimes.agentcore).toMatchObject({ protocol: "a2a", target: { mode: "session" } });
    expect(configuration.defaults.runtime).toBe("agentcore");
    expect(read(CONFIG).match(/^ {2}\/\/ /gm)?.length).toBeGreaterThan(4);
    const image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/agents:1";
    const role = "arn:aws:iam::123456789012:role/agents";
    expect((await init("--region", "us-west-2", "--image", image, "--role", role, "--force")).code).toBe(0);
    expect(load().configuration.runtimes.agentcore?.target.mode).toBe("runtime");
    expect(load().configuration.backends.agentcore?.details).toMatchObject({ executionRoleArn: role });
  });

  test.each([
    [["--runtime-arn", "my-runtime", "--region", "us-west-2"], /^error: --runtime-arn: /m],
    [["--region", "nowhere"], /^error: --region: must be an AWS region such as us-west-2$/m],
    [["--protocol", "http"], /^error: --region: names the AWS region/m],
    [["--region", "us-west-2", "--account", "local"], /^error: --account: local is this machine/m],
    [["--region", "us-west-2", "--runtime-arn", ARN, "--image", "x"], /^error: --image: makes a runtime for each job/m],
    [["--client", "emacs"], /^error: --client: there is no emacs; there are: claude-code, codex, /m],
  ])("%j is refused at the option, and nothing is written", async (args, said) => {
    const { code, err } = await init(...args);
    expect(err).toMatch(said);
    expect({ code, written: existsSync(at(CONFIG)) }).toEqual({ code: 2, written: false });
  });

  test("is shown and not written with --dry-run", async () => {
    const { code, out } = await init("--dry-run", "--json", "--region", "us-west-2", "--client", "codex");
    const { dryRun, configuration, clients } = JSON.parse(out);
    expect({ code, dryRun, written: existsSync(at(CONFIG)) || existsSync(at(".codex")) }).toEqual({
      code: 0,
      dryRun: true,
      written: false,
    });
    expect(configuration.file).toBe(at(CONFIG));
    expect(clients).toEqual([{ name: "codex", steps: [{ file: at(".codex", "config.toml") }] }]);
  });
});

const script = join(packageFolder, "bin", "agent-dispatch.js");
const servers: [client: string, file: string[], entry: (file: string) => unknown, also: object][] = [
  [
    "codex",
    [".codex", "config.toml"],
    (text) => (parse(text).mcp_servers as Record<string, unknown>)["agent-dispatch"],
    { startup_timeout_sec: 60, tool_timeout_sec: 120, default_tools_approval_mode: "approve" },
  ],
  ["gemini", [".gemini", "settings.json"], entryOf("mcpServers"), { timeout: 120_000, trust: true }],
  ["opencode", [".config", "opencode", "opencode.jsonc"], entryOf("mcp"), { type: "local", timeout: 120_000 }],
  ["cursor", [".cursor", "mcp.json"], entryOf("mcpServers"), {}],
  ["vscode", [".config", "Code", "User", "mcp.json"], entryOf("servers"), { type: "stdio" }],
];

function entryOf(member: string): (text: string) => unknown {
  return (text) => JSON.parse(text)[member]["agent-dispatch"];
}

/** What is started, however an assistant writes it. */
const wordsOf = ({ command, args = [] }: { command: string | string[]; args?: string[] }) => [command, args].flat();

describe("assistants", () => {
  test.each(servers)("%s is told in its own file, once, and forgets us again", async (client, file, entry, also) => {
    const first = await init("--client", client, "--endpoint", "https://example.com/mcp", "--profile", "dev");
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining(at(...file)) });
    const registered = entry(read(...file)) as Parameters<typeof wordsOf>[0];
    expect(registered).toMatchObject(also);
    const [node = "", ...words] = wordsOf(registered);
    expect(node).toMatch(/^\/.*node$/);
    expect(words).toEqual([script, "bridge", "--endpoint", "https://example.com/mcp", "--profile", "dev"]);
    const before = read(...file);
    const again = await init("--client", client, "--endpoint", "https://example.com/mcp", "--profile", "dev");
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("nothing to change") });
    expect(read(...file)).toBe(before);
    expect((await init("--client", client, "--stack", "Mine")).code).toBe(0);
    expect(wordsOf(entry(read(...file)) as never).slice(-3)).toEqual(["bridge", "--stack", "Mine"]);
    expect((await init("--remove")).code).toBe(0);
    expect(read(...file)).not.toContain("agent-dispatch");
    expect(existsSync(at(CONFIG))).toBe(false);
  });

  test("Claude Code is told by its own command, with what it may do unasked, once", async () => {
    installClaude();
    put('{\n  // mine\n  "permissions": { "allow": ["Bash(ls)"] }\n}\n', ".claude", "settings.json");
    const { code, out } = await init("--client", "claude-code", "--state-dir", "a state");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}claude mcp add-json --scope user agent-dispatch '\{"type":"stdio"/m);
    expect(JSON.parse(read(".claude.json"))).toMatchObject({
      userID: "somebody",
      mcpServers: { "agent-dispatch": { args: [script, "bridge", "--state-dir", at("a state")], timeout: 120_000 } },
    });
    expect(read(".claude", "settings.json")).toMatch(/\/\/ mine[\s\S]*"mcp__agent-dispatch"/);
    expect((await init("--client", "claude-code", "--state-dir", "a state")).out).toMatch(/nothing to change/);
    expect((await init("--client", "claude-code", "--no-approve")).code).toBe(0);
    expect(JSON.parse(read(".claude.json")).mcpServers["agent-dispatch"].args).toEqual([
      script,
      "bridge",
      ...ownState(),
    ]);
    expect(read(".claude", "settings.json")).not.toContain("mcp__");
    expect((await init("--remove")).code).toBe(0);
    expect(JSON.parse(read(".claude.json"))).toEqual({ userID: "somebody", mcpServers: {} });
  });

  test("one that cannot be told keeps no other from it, and says how it is done by hand", async () => {
    const { code, err } = await run(["init", "--client", "claude-code,cursor"], { PATH: bin });
    expect(code).toBe(1);
    expect(err).toMatch(/^error: there is no program claude on the PATH\nhint: .*claude mcp add-json --scope user /m);
    expect(read(".cursor", "mcp.json")).toContain("agent-dispatch");
  });

  test("a file that does not say what it should is left alone, and nothing else is changed", async () => {
    put('{ "mcpServers": { "key": "of the person" ', ".cursor", "mcp.json");
    const { code, err } = await init("--client", "codex,cursor");
    expect(code).toBe(2);
    expect(err).toMatch(/^error: .*mcp\.json cannot be used:\n.*mcp\.json:1: not JSON/m);
    expect(err).not.toContain("of the person");
    expect(existsSync(at(".codex"))).toBe(false);
  });

  test("what is a person's own in such a file stays, comments, order, permissions and links too", async () => {
    const theirs =
      '{\n  "mcpServers": {\n    // theirs\n    "other": { "command": "x", "env": { "TOKEN": "secret" } },\n  },\n}\n';
    put(theirs, "dotfiles", "mcp.json");
    chmodSync(at("dotfiles", "mcp.json"), 0o640);
    mkdirSync(at(".cursor"));
    symlinkSync(at("dotfiles", "mcp.json"), at(".cursor", "mcp.json"));
    const toml =
      '# mine\nmodel = "m" # why\n\n[mcp_servers.other]\ncommand = "x"\n\n# about projects\n[projects."/p"]\ntrust_level = "trusted"\n';
    put(toml, ".codex", "config.toml");
    const { code, out } = await init("--client", "cursor,codex");
    expect(code).toBe(0);
    expect(out).not.toContain("secret");
    expect(read("dotfiles", "mcp.json")).toMatch(/\/\/ theirs\n.*"TOKEN": "secret".*\n {4}"agent-dispatch": \{/);
    expect(statSync(at("dotfiles", "mcp.json")).mode & 0o777).toBe(0o640);
    expect(read(".codex", "config.toml").startsWith(toml)).toBe(true);
    // Another tool writes its own tables behind ours.
    put(`${read(".codex", "config.toml")}\n# more\n[tui]\ntheme = "dark"\n`, ".codex", "config.toml");
    expect((await init("--remove")).code).toBe(0);
    expect(read("dotfiles", "mcp.json")).toBe(theirs);
    expect(read(".codex", "config.toml")).toBe(`${toml}\n# more\n[tui]\ntheme = "dark"\n`);
  });

  test("comments in our own table of Codex stay where they stand, when it is registered anew", async () => {
    await init("--client", "codex");
    const made = read(".codex", "config.toml");
    const commented = made
      .replace("[mcp_servers.agent-dispatch]", "[mcp_servers.agent-dispatch] # ours")
      .replace("tool_timeout_sec", "# calls are long\ntool_timeout_sec")
      .replace(/^startup_timeout_sec = .*$/m, "startup_timeout_sec = 5 # too short");
    put(`${commented}\n[tui]\ntheme = "dark"\n`, ".codex", "config.toml");
    expect((await init("--client", "codex")).code).toBe(0);
    const after = read(".codex", "config.toml");
    expect(after).toContain("[mcp_servers.agent-dispatch] # ours\n");
    expect(after).toMatch(/# calls are long\ntool_timeout_sec/);
    expect(after).toMatch(/^startup_timeout_sec = 60$/m);
    expect(after.replace(" # ours", "").replace("# calls are long\n", "")).toBe(`\n[tui]\ntheme = "dark"\n\n${made}`);
  });

  test("another server's secret in the same line is not shown, and the file is not laid out anew", async () => {
    const theirs = '{"mcpServers":{"other":{"command":"x","env":{"GITHUB_TOKEN":"ghp_SECRET"}}},"theme":"dark"}';
    put(theirs, ".gemini", "settings.json");
    const { code, out } = await init("--client", "gemini");
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining("+ mcpServers.agent-dispatch: {") });
    expect(out).not.toMatch(/SECRET|dark/);
    expect(read(".gemini", "settings.json")).toMatch(/"ghp_SECRET"}}, "agent-dispatch": .*},"theme":"dark"}$/);
    expect((await init("--remove")).code).toBe(0);
    expect(read(".gemini", "settings.json")).toBe(theirs);
  });

  test("what a person has added to our own entry stays, and what their variables are set to is not shown", async () => {
    const env = { AWS_PROFILE: "of the person", OTHER: "sk-secret" };
    const entry = { command: "old", args: [], env, includeTools: ["list_tasks"] };
    put(JSON.stringify({ mcpServers: { "agent-dispatch": entry } }, null, 2), ".gemini", "settings.json");
    put(
      '[mcp_servers.agent-dispatch]\ncommand = "old"\nenabled_tools = ["list_tasks"]\n\n[mcp_servers.agent-dispatch.env]\nOTHER = "sk-secret"\n',
      ".codex",
      "config.toml",
    );
    put(JSON.stringify({ mcpServers: { "agent-dispatch": { type: "stdio", command: "old", env } } }), ".claude.json");
    installClaude();
    const { code, out } = await run(["init", "--client", "gemini,codex,claude-code"], { AWS_PROFILE: "dev" });
    expect(code).toBe(0);
    expect(out).not.toContain("secret");
    expect(entryOf("mcpServers")(read(".gemini", "settings.json"))).toMatchObject({
      args: expect.arrayContaining([script]),
      env,
      includeTools: ["list_tasks"],
      trust: true,
    });
    expect(entryOfCodex()).toMatchObject({
      args: expect.arrayContaining([script]),
      enabled_tools: ["list_tasks"],
      env: { OTHER: "sk-secret" },
    });
    expect(entryOf("mcpServers")(read(".claude.json"))).toMatchObject({ env, timeout: 120_000 });
    const again = await run(["init", "--client", "gemini,codex,claude-code"], { AWS_PROFILE: "dev" });
    expect(again.out.match(/nothing to change/g)).toHaveLength(3);
  });

  test("a comment among the permissions of Claude Code stays, and what is no list is refused by its name", async () => {
    installClaude();
    const theirs = '{\n  "permissions": {\n    "allow": [\n      // mine\n      "Bash(ls)"\n    ]\n  }\n}\n';
    put(theirs, ".claude", "settings.json");
    expect((await init("--client", "claude-code")).code).toBe(0);
    expect(read(".claude", "settings.json")).toBe(
      theirs.replace('"Bash(ls)"', '"Bash(ls)",\n      "mcp__agent-dispatch"'),
    );
    expect((await init("--remove")).code).toBe(0);
    expect(read(".claude", "settings.json")).toBe(theirs);
    put('{ "permissions": { "allow": "Bash(ls)" } }', ".claude", "settings.json");
    const refused = await init("--client", "claude-code");
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/permissions\.allow: must be a list/) });
    expect(read(".claude", "settings.json")).toBe('{ "permissions": { "allow": "Bash(ls)" } }');
  });

  test("what Claude Code has of us is back where it refuses what was to be there", async () => {
    installClaude();
    expect((await init("--client", "claude-code", "--stack", "Mine")).code).toBe(0);
    const before = JSON.parse(read(".claude.json"));
    const { code, err } = await run(["init", "--client", "claude-code", "--stack", "Other"], { REFUSED: "Other" });
    expect(code).toBe(1);
    expect(err).toMatch(/^error: claude has refused: not today; what was registered is back$/m);
    expect(JSON.parse(read(".claude.json"))).toEqual(before);
  });

  test("tables of ours in another form than lines are not touched", async () => {
    const inline = 'mcp_servers = { agent-dispatch = { command = "x" } }\n';
    put(inline, ".codex", "config.toml");
    const { code, err } = await init("--client", "codex");
    expect(code).toBe(2);
    expect(err).toMatch(/take it away by hand, or with `codex mcp remove agent-dispatch`/);
    expect(read(".codex", "config.toml")).toBe(inline);
  });

  test("names of variables are handed on, and never what they are set to", async () => {
    const env = { ANTHROPIC_API_KEY: "sk-of-the-person", AWS_PROFILE: "dev" };
    await run(["init", "--client", "codex,gemini"], env);
    const codex = entryOfCodex();
    expect(codex.env_vars).toEqual(expect.arrayContaining(["ANTHROPIC_API_KEY", "AWS_PROFILE"]));
    expect(entryOf("mcpServers")(read(".gemini", "settings.json"))).toMatchObject({
      env: { ANTHROPIC_API_KEY: "$ANTHROPIC_API_KEY" },
    });
    expect(read(".codex", "config.toml") + read(".gemini", "settings.json")).not.toContain("sk-of");
  });

  test("where there is no configuration the state folder is named, so that no folder an assistant is opened in decides", async () => {
    await init("--client", "codex,cursor");
    expect(entryOfCodex().args).toEqual([script, "bridge", ...ownState()]);
    expect(wordsOf(entryOf("mcpServers")(read(".cursor", "mcp.json")) as never).slice(-2)).toEqual(ownState());
  });

  test("the configuration that counts in this folder is named, because an assistant starts elsewhere", async () => {
    await init();
    await init("--client", "codex");
    expect(entryOfCodex().args).toEqual([script, "bridge", "--config", at(CONFIG)]);
    await run(["init", "--client", "codex"], { AGENTDISPATCH_STATE_DIR: at("elsewhere") });
    expect(entryOfCodex().args.slice(-2)).toEqual(["--state-dir", at("elsewhere")]);
  });
});

const ownState = () => ["--state-dir", at(".local", "share", "agent-dispatch")];

const entryOfCodex = () =>
  (parse(read(".codex", "config.toml")).mcp_servers as Record<string, { args: string[]; env_vars: string[] }>)[
    "agent-dispatch"
  ] ?? { args: [], env_vars: [] };
