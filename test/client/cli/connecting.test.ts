import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { packageFolder as checkout } from "../../../lib/client/cli/command-name.ts";
import { Cli, cleanEnv, cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";

const clients = ["claude", "codex", "gemini", "opencode", "code", "cursor"];

let folder = "";
eachInFolder((made) => {
  folder = made;
});

/** Runs the lines in a shell where the clients are programs that note what they were called with. */
async function callsOf(lines: string[]): Promise<{ words: string[]; token?: string }[]> {
  const [bin, noted] = [join(folder, "bin"), join(folder, "noted")];
  await mkdir(bin);
  const note = `#!${process.execPath}
    const words = [require("node:path").basename(process.argv[1]), ...process.argv.slice(2)];
    const call = { words, token: process.env.AGENT_DISPATCH_TOKEN };
    require("node:fs").appendFileSync(${JSON.stringify(noted)}, JSON.stringify(call) + "\\n");`;
  for (const client of clients) await writeFile(join(bin, client), note, { mode: 0o755 });
  const PATH = `${bin}${delimiter}${process.env.PATH}`;
  await promisify(execFile)("sh", ["-ec", lines.join("\n")], { env: { ...cleanEnv(), PATH } });
  const calls = (await readFile(noted, "utf8")).trim().split("\n");
  return calls.map((call) => JSON.parse(call));
}

test("a start says how assistants are connected, and the line does it, for its own state", async () => {
  const stateDir = join(folder, "it's a state");
  const home = { HOME: folder };
  await mkdir(join(folder, ".cursor"));
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir], { env: home });
  await local.shows("--client all");
  expect(local.out).not.toContain(await readFile(join(stateDir, "token"), "utf8"));
  const line = /^ {2}npx agent-dispatch (init .*)$/m.exec(local.out)?.[1] ?? "";
  // npx is slow to start; what it starts is this.
  await promisify(execFile)("sh", ["-c", `"${process.execPath}" bin/agent-dispatch.js ${line}`], {
    cwd: checkout,
    env: { ...cleanEnv(), ...home, PATH: `${dirname(process.execPath)}${delimiter}/bin` },
  });
  const { mcpServers } = JSON.parse(await readFile(join(folder, ".cursor", "mcp.json"), "utf8"));
  expect(mcpServers["agent-dispatch"].args.slice(1)).toEqual(["bridge", "--state-dir", stateDir]);
  local.kill("SIGTERM");
  await local.ended;
});

test("the lines of its JSON connect each client as that client's own program takes it", async () => {
  const stateDir = join(folder, "it's a state");
  const local = new Cli(["local", "--port", "0", "--json", "--state-dir", stateDir]);
  await local.shows("}\n}");
  const { url, connect } = JSON.parse(local.out) as {
    url: string;
    connect: { clients: { lines: string[] }[] };
  };
  const token = await readFile(join(stateDir, "token"), "utf8");
  expect(local.out).not.toContain(token);
  const lines = connect.clients.flatMap((client) => client.lines);
  const authorization = `Authorization: Bearer ${token}`;
  const added = ["mcp", "add", "--transport", "http", "--scope", "user", "agent-dispatch"];
  const server = { name: "agent-dispatch", url, headers: { Authorization: `Bearer ${token}` } };
  const calls = await callsOf(lines);
  expect(calls.map(({ words }) => words)).toEqual([
    ["claude", ...added, url, "--header", authorization],
    ["codex", "mcp", "add", "agent-dispatch", "--url", url, "--bearer-token-env-var", "AGENT_DISPATCH_TOKEN"],
    ["codex", "-c", 'mcp_servers.agent-dispatch.default_tools_approval_mode="approve"'],
    ["gemini", ...added, url, "--header", authorization],
    ["opencode", "mcp", "add", "agent-dispatch", "--url", url, "--header", `Authorization=Bearer ${token}`],
    ["code", "--add-mcp", expect.any(String)],
    ["cursor", "--add-mcp", expect.any(String)],
  ]);
  expect(calls.map((call) => call.token)).toEqual([undefined, undefined, token, ...Array(4)]);
  expect(calls.slice(-2).map(({ words }) => JSON.parse(words[2] ?? ""))).toEqual([{ ...server, type: "http" }, server]);
  local.kill("SIGTERM");
  await local.ended;
});

describe("the line for another terminal", () => {
  const configFile = () => join(folder, "my config.json");
  const cases: [string, () => { args?: string[]; env?: Record<string, string>; words: RegExp }][] = [
    [
      "--state-dir",
      () => ({ args: ["--state-dir", join(folder, "a state")], words: /run --state-dir '.*\/a state' / }),
    ],
    ["--config", () => ({ args: ["--config", configFile()], words: /run --config '.*\/my config\.json' --command/ })],
    [
      "the variable for the state",
      () => ({ env: { AGENTDISPATCH_STATE_DIR: join(folder, "b") }, words: /run --state-dir \S+\/b / }),
    ],
    [
      "the variable for the file",
      () => ({ env: { AGENTDISPATCH_CONFIG: configFile() }, words: /run --config '.*' --command/ }),
    ],
    [
      "both",
      () => ({
        args: ["--config", configFile(), "--state-dir", join(folder, "c")],
        words: /run --config '.*' --state-dir \S+\/c --command/,
      }),
    ],
  ];

  test.each(cases)("finds the system that %s placed elsewhere", async (_, make) => {
    await writeFile(configFile(), JSON.stringify({ stateDir: "its own state" }));
    const { args = [], env = {}, words } = make();
    const home = { HOME: folder };
    const local = new Cli(["local", "--port", "0", "--json", ...args], { env: { ...env, ...home } });
    await local.shows("}\n}");
    const { connect, stateDir } = JSON.parse(local.out);
    expect(connect.terminal.line).toMatch(words);
    expect(connect.terminal.folder).toBe(checkout);
    // npx is slow to start; what it starts is this.
    const line = connect.terminal.line.replace("npx agent-dispatch", `"${process.execPath}" bin/agent-dispatch.ts`);
    const { stdout } = await promisify(execFile)("sh", ["-c", line], {
      cwd: checkout,
      env: { ...cleanEnv(), ...home },
    });
    expect(stdout).toContain("git version");
    const after = await cli(["list", "--json", "--state-dir", stateDir]);
    expect(JSON.parse(after.out).items).toHaveLength(1);
    local.kill("SIGTERM");
    await local.ended;
  });

  test("lists the tasks of a system that runs no programs here", async () => {
    const accounts = { dev: { provider: "aws", region: "us-west-2" } };
    const backends = { dev: { adapter: "aws-agentcore", account: "dev", details: {} } };
    await writeFile(configFile(), JSON.stringify({ stateDir: "its own state", accounts, backends }));
    const local = new Cli(["local", "--port", "0", "--json", "--config", configFile()], { env: { HOME: folder } });
    await local.shows("}\n}");
    const { line } = JSON.parse(local.out).connect.terminal;
    expect(line).toMatch(/^npx agent-dispatch list --config '.*'$/);
    local.kill("SIGTERM");
    await local.ended;
  });
});
