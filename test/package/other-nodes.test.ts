import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cli, makeFolder } from "../client/cli/cli.ts";
import { endAllOf } from "../client/cli/left-behind.ts";
import { environmentIn, install, pack } from "./packed.ts";

/** The last of each line, as npm has them. */
const versions = { node20: "20.20.2", node22: "22.23.3" } as const;

let folder = "";
let home = "";
const nodeOf = (name: keyof typeof versions) => join(folder, "nodes/node_modules", name, "bin/node");

beforeAll(async () => {
  folder = await makeFolder();
  home = join(folder, "home");
  const nodes = join(folder, "nodes");
  await mkdir(nodes);
  await writeFile(join(nodes, "package.json"), JSON.stringify({ private: true }));
  const wanted = Object.entries(versions).map(([name, version]) => `${name}@npm:node-linux-${process.arch}@${version}`);
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...wanted], { cwd: nodes });
  const { tarball } = await pack(folder);
  await install(tarball, home);
}, 600_000);
afterAll(async () => {
  endAllOf(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const entry = () => join(home, "node_modules/.bin/agent-dispatch");
const on = (name: keyof typeof versions, args: string[], stdin?: string) => {
  const node = nodeOf(name);
  const env = environmentIn(home, node);
  return new Cli(args, { node, entry: entry(), cwd: home, env, ...(stdin !== undefined && { stdin }) });
};

describe("on Node 22", () => {
  test("commands and the local system work, and say nothing of Node", async () => {
    const where = ["--state-dir", join(home, "state")];
    const local = on("node22", ["local", "--port", "0", ...where]);
    await local.shows("Ctrl-C stops it");
    const ran = await on("node22", ["run", ...where, "--command", "echo it ran"]).ended;
    expect(ran).toMatchObject({ code: 0, out: "it ran\n", err: expect.not.stringContaining("Warning") });
    expect((await on("node22", ["list", ...where]).ended).out).toContain("$ echo it ran");
    local.kill("SIGTERM");
    expect(await local.ended).toMatchObject({ code: 0, err: expect.not.stringContaining("Warning") });
    const alone = await on("node22", ["run", "--command", "echo alone"]).ended;
    expect(alone).toMatchObject({ code: 0, out: "alone\n", err: expect.not.stringContaining("Warning") });
  });

  test("a program imports the client", async () => {
    const script = 'console.log(typeof (await import("agent-dispatch-aws/client")).createClient)';
    const { stdout } = await promisify(execFile)(nodeOf("node22"), ["--input-type=module", "--eval", script], {
      cwd: home,
    });
    expect(stdout).toBe("function\n");
  });
});

describe("on Node 20", () => {
  test("the bridge serves a client, at a system that runs on another", async () => {
    const where = ["--state-dir", join(home, "bridged")];
    const local = on("node22", ["local", "--port", "0", ...where]);
    await local.shows("Ctrl-C stops it");
    const clientInfo = { name: "a client", version: "1" };
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    const messages = [
      { jsonrpc: "2.0", id: 1, method: "initialize", params },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 2, method: "tools/list" },
    ];
    const stdin = messages.map((message) => `${JSON.stringify(message)}\n`).join("");
    const { code, out } = await on("node20", ["bridge", ...where], stdin).ended;
    expect(code).toBe(0);
    const answers = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    expect(answers[1].result.tools.map(({ name }: { name: string }) => name)).toContain("spawn_cloud_agent");
    local.kill("SIGTERM");
    await local.ended;
  });

  test("every other command says which Node it needs", async () => {
    for (const args of [["list"], ["--version"], ["run", "--command", "true"], []])
      expect(await on("node20", args).ended).toEqual({
        code: 2,
        out: "",
        err: "✖ this needs Node 22.18.0 or newer, and here is 20.20.2; on Node 20 only `agent-dispatch bridge` runs\n",
      });
  });
});
