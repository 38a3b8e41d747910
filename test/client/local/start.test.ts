import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { quote } from "shlex";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import type { LocalPlace } from "../../../lib/client/http/door.ts";
import { findLocal, type LocalSystem } from "../../../lib/client/local/find.ts";
import { findOrStartLocal } from "../../../lib/client/local/start.ts";
import { newNonce, proofOf } from "../../../lib/config/proof-of-token.ts";
import { prepareState } from "../../../lib/config/state-files.ts";
import { lockState } from "../../../lib/system/local/endpoint.ts";
import { BridgeProcess } from "../bridge/bridge-process.ts";
import { cleanEnv } from "../cli/cli.ts";
import { eachInFolder } from "../cli/in-folder.ts";
import { runningIn } from "../cli/left-behind.ts";
import { Terminal } from "../cli/terminal.ts";

const program = fileURLToPath(new URL("start-process.ts", import.meta.url));

let folder = "";
eachInFolder((made) => {
  folder = made;
});

/** Vitest's own words to Node must not reach what is started from here. */
const given = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in cleanEnv())) delete process.env[name];
});
afterEach(() => {
  Object.assign(process.env, given);
});

type Said = Partial<LocalSystem> & { code?: string; message?: string; hint?: string };

/** What a program that finds or starts a system came to. */
async function startedBy(
  place: LocalPlace,
  { untilIdle, cwd = folder, env = {} }: { untilIdle?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<Said> {
  const args = [program, JSON.stringify(place), ...(untilIdle === undefined ? [] : [untilIdle])];
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...cleanEnv(), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return JSON.parse(said) as Said;
}

const isAlive = (pid = 0): boolean => existsSync(`/proc/${pid}`);

test("two programs that start one at once come to the same, which outlives both", async () => {
  const [first, second] = await Promise.all([startedBy({ stateDir: folder }), startedBy({ stateDir: folder })]);
  expect(first).toEqual({ url: expect.stringMatching(/^http:/), token: expect.any(String), pid: expect.any(Number) });
  expect(second).toEqual(first);
  expect(await findLocal(folder)).toEqual(first);
  expect(await startedBy({ stateDir: folder })).toEqual(first);
  const logs = readdirSync(folder).filter((name) => name.startsWith("local.log"));
  expect(logs).toEqual(["local.log"]);
  expect(readFileSync(join(folder, "local.log"), "utf8")).toContain(`"pid": ${first.pid}`);
});

test("one program that asks twice at once gets one system", async () => {
  const [first, second] = await Promise.all([
    findOrStartLocal({ stateDir: folder }),
    findOrStartLocal({ stateDir: folder }),
  ]);
  expect(second).toEqual(first);
});

test("it ends by itself once it is idle, and leaves nothing behind", async () => {
  const { pid } = await startedBy({ stateDir: folder }, { untilIdle: "1s" });
  await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
  expect(runningIn(folder)).toEqual([]);
  expect(await findLocal(folder)).toBeUndefined();
});

test("it runs in the folder and the environment of whoever started it, with the configuration found there", async () => {
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "agentdispatch.config.json"), '{ "stateDir": "state" }');
  const { pid } = await startedBy({}, { cwd: project, env: { MY_OWN_WORD: folder } });
  expect(await findLocal(join(project, "state"))).toMatchObject({ pid });
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(realpathSync(project));
  expect(readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")).toContain(`MY_OWN_WORD=${folder}`);
});

test.each([
  ["no word", []],
  ["a state folder", ["--state-dir"]],
])("a bridge with %s takes no configuration of the folder that an assistant was opened in", async (_, words) => {
  const [clone, data] = [join(folder, "clone"), join(folder, "data")];
  mkdirSync(clone);
  writeFileSync(
    join(clone, "agentdispatch.config.json"),
    '{ "stateDir": "state", "accounts": { "theirs": { "provider": "local" } } }',
  );
  const state = join(data, "agent-dispatch");
  const args = words.flatMap((word) => [word, state]);
  const bridge = new BridgeProcess(args, { cwd: clone, env: { XDG_DATA_HOME: data } });
  const answer = await bridge.ask(1, "tools/call", {
    name: "list_account_profiles",
    arguments: {},
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    },
  });
  expect(JSON.stringify(answer)).toContain("local");
  expect(JSON.stringify(answer)).not.toContain("theirs");
  const { pid } = (await findLocal(state)) ?? {};
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(realpathSync(state));
  expect(readdirSync(clone)).toEqual(["agentdispatch.config.json"]);
});

test("a closed terminal does not end it", async () => {
  const line = [process.execPath, program, JSON.stringify({ stateDir: folder })].map((word) => quote(word)).join(" ");
  const terminal = new Terminal(line, { STAY: "yes" });
  await terminal.shows(/"pid":\d+/);
  const { pid } = (await findLocal(folder)) ?? {};
  const [starter = 0] = runningIn(program).filter((each) => each !== terminal.child.pid && each !== pid);
  terminal.close();
  await expect.poll(() => isAlive(starter), { timeout: 20_000 }).toBe(false);
  expect(await findLocal(folder)).toMatchObject({ pid });
});

test("a start that is refused is told as the system told it", async () => {
  const config = join(folder, "agentdispatch.config.json");
  writeFileSync(config, '{ "runtimes": { "mine": { "backend": "nowhere" } } }');
  expect(await startedBy({ config, stateDir: folder })).toMatchObject({
    code: "configuration.invalid",
    message: expect.stringContaining("runtimes.mine.backend"),
  });
  expect(readdirSync(folder).filter((name) => name.startsWith("local.log"))).toEqual([]);
});

test("a start that fails without a word of ours is told with its last lines", async () => {
  process.env.NODE_OPTIONS = "--require=/there/is/no/such/module.cjs";
  const failure = await findOrStartLocal({ stateDir: folder }).catch((error) => error);
  delete process.env.NODE_OPTIONS;
  expect(failure).toMatchObject({ code: "local.start_failed", retryable: false });
  expect(failure.message).toContain("ended with code 1 before it answered:\n");
  expect(failure.message).toContain("/there/is/no/such/module.cjs");
  expect(failure.hint).toMatch(new RegExp(`agent-dispatch local --state-dir ${folder} starts one in the foreground$`));
  expect(runningIn(folder)).toEqual([]);
});

test("a stranger where a killed system listened sees no token", async () => {
  const seen: string[] = [];
  let says: Record<string, unknown> = { ok: true, pid: process.pid };
  const stranger = createServer((request, response) => {
    seen.push(JSON.stringify([request.url, request.rawHeaders]));
    response.end(JSON.stringify(says));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void stranger.close());
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  const token = "0123456789abcdef".repeat(4);
  writeFileSync(join(folder, "token"), token);
  const record = (pid: number) =>
    writeFileSync(join(folder, "endpoint.json"), JSON.stringify({ url: `http://127.0.0.1:${port}/mcp`, pid }));
  // Not even asked where the process is gone.
  const ended = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(ended, "exit");
  record(ended.pid ?? 0);
  expect(await findLocal(folder)).toBeUndefined();
  expect(seen).toEqual([]);
  // Another process has its number by now.
  record(process.pid);
  for (const proof of [undefined, "", proofOf("another token", newNonce())]) {
    says = { ...says, proof };
    expect(await findLocal(folder)).toBeUndefined();
  }
  expect(seen).toHaveLength(3);
  expect(seen.join()).not.toContain(token);
  const { pid, ...system } = await startedBy({ stateDir: folder }, { untilIdle: "5s" });
  expect([pid, system.token]).toEqual([expect.any(Number), token]);
  expect(seen.join()).not.toContain(token);
});

test("who lost to a system that was just ending starts another", async () => {
  prepareState(folder);
  const ending = lockState(folder);
  const started = startedBy({ stateDir: folder }, { untilIdle: "5s" });
  const said = () =>
    readdirSync(folder).map((name) => /^local\.log\./.test(name) && readFileSync(join(folder, name), "utf8"));
  await expect.poll(() => said().join(), { timeout: 30_000 }).toContain("local.already_running");
  ending.release();
  const system = await started;
  expect(system).toMatchObject({ pid: expect.any(Number) });
  expect(await findLocal(folder)).toEqual(system);
});

test("who does not wait any longer gets an AbortError", async () => {
  const signal = AbortSignal.timeout(1);
  await expect(findOrStartLocal({ stateDir: folder }, { signal })).rejects.toMatchObject({ name: "AbortError" });
});
