import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTRACT } from "../../../lib/contract/worker.ts";
import { credentials, type Emulator } from "../../emulators/agentcore/emulator.ts";
import { configurationWith, startEmulator } from "../../emulators/agentcore/system.ts";
import { Cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";
import { leftBehind, nothing } from "./left-behind.ts";

let stateDir = "";
eachInFolder((made) => {
  stateDir = made;
});

/** A run that starts a system for itself; a shell runs the line. */
const run = (line: string, ...more: string[]) =>
  new Cli(["run", "--state-dir", stateDir, "--shell", "--command", line, ...more]);

const artifact = 'echo kept > "$AGENTDISPATCH_ARTIFACTS_DIR/kept.txt"';

test.each([
  ["succeeds with an artifact", artifact, [], 0],
  ["fails with an artifact", `${artifact}; exit 3`, [], 3],
  ["runs out of time", "sleep 60", ["--timeout", "1s"], 124],
  ["cannot begin", "true", ["--cwd", "/no/such/folder"], 1],
  ["leaves something running", "sleep 60 & echo done", [], 0],
])("a run that %s leaves nothing behind", async (_, line, more, code) => {
  expect(await run(line, ...more).ended).toMatchObject({ code });
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("a run that is interrupted leaves nothing behind, at whatever moment", async () => {
  const moments: [string, RegExp][] = [
    ["as soon as it has a task", /^› task_/m],
    ["while the job runs", /^working$/m],
  ];
  for (const [moment, shown] of moments) {
    const interrupted = run("echo working; sleep 60");
    await interrupted.shows(shown);
    interrupted.kill("SIGINT");
    expect(await interrupted.ended, moment).toMatchObject({ code: 130 });
    expect(await leftBehind(stateDir), moment).toEqual(nothing);
  }
});

test("a run that is interrupted before it has a task ends it as soon as it has one", async () => {
  const interrupted = run("sleep 60");
  // Node itself listens to SIGINT from its start; SIGHUP is the last that the command line asks for.
  await expect.poll(() => interrupted.listensTo("SIGHUP"), { timeout: 20_000, interval: 1 }).toBe(true);
  interrupted.kill("SIGINT");
  expect(await interrupted.ended).toMatchObject({ code: 130 });
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("a second Ctrl-C ends at once what does not end by itself", async () => {
  const stubborn = run("trap '' TERM; echo working; while true; do sleep 1; done");
  await stubborn.shows("working");
  stubborn.kill("SIGINT");
  await stubborn.shows("Ctrl-C once more");
  stubborn.kill("SIGINT");
  expect(await stubborn.ended).toMatchObject({ code: 130 });
  const { processes, sessions } = await leftBehind(stateDir);
  expect({ processes, sessions }).toEqual({ processes: [], sessions: [] });
});

test("what a job dispatched in the same system ends with the run", async () => {
  const inner = `"${process.execPath}" bin/agent-dispatch.ts run --state-dir "${stateDir}" --command "sleep 60"`;
  // The inner run is gone before it could cancel its task.
  const outer = run(
    `${inner} 2>inner.log & until grep -q running inner.log; do sleep 0.1; done; kill -9 $!; rm inner.log`,
  );
  expect(await outer.ended).toMatchObject({ code: 0 });
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("jobs of a system that was stopped outlive a run on the same state", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir]);
  await local.shows("run --state-dir");
  const detached = run("echo begun; sleep 30", "--detach");
  const id = (await detached.ended).out.trim();
  await new Cli(["logs", id, "--state-dir", stateDir, "--follow"]).shows("begun");
  local.kill("SIGTERM");
  await local.ended;
  const before = await leftBehind(stateDir);
  expect(before).toMatchObject({ open: [id], sessions: [expect.any(String)] });
  expect(await run(artifact).ended).toMatchObject({ code: 0 });
  expect(await leftBehind(stateDir)).toEqual(before);
});

test("a system that is stopped twice leaves no spare worker", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir]);
  await local.shows("run --state-dir");
  local.kill("SIGINT");
  local.kill("SIGTERM");
  await local.ended;
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

/** A run of an agent on AgentCore, as the emulator plays it. */
async function runOnAgentCore(emulator: Emulator, mode: "session" | "runtime", framework: string): Promise<Cli> {
  const details = {
    contract: CONTRACT,
    ...(mode === "runtime" && { environment: { AGENTDISPATCH_FRAMEWORK_COMMAND_SLOW: "sleep 60" } }),
  };
  const configuration = {
    ...configurationWith(emulator.deploy("shared"), details),
    stateDir,
    runtimes: { cloud: { backend: "cloud", target: { mode }, framework } },
    defaults: { runtime: "cloud" },
  };
  const config = join(stateDir, "agentdispatch.config.json");
  await writeFile(config, JSON.stringify(configuration));
  const env = {
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
  };
  return new Cli(["run", "--config", config, "Say hello"], { env });
}

test.each(["session", "runtime"] as const)("a run on AgentCore in mode %s leaves nothing that bills", async (mode) => {
  const emulator = await startEmulator();
  const cloud = await runOnAgentCore(emulator, mode, "echo");
  expect(await cloud.ended).toMatchObject({ code: 0, out: expect.stringContaining("Say hello") });
  expect(emulator.machines.booted).toBe(1);
  expect(emulator.inventory).toEqual({ runtimes: [], sessions: [] });
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("a run on AgentCore that is interrupted leaves nothing that bills", async () => {
  const emulator = await startEmulator();
  const cloud = await runOnAgentCore(emulator, "runtime", "slow");
  await cloud.shows(/^› running$/m);
  cloud.kill("SIGINT");
  expect(await cloud.ended).toMatchObject({ code: 130 });
  expect(emulator.machines.booted).toBe(1);
  expect(emulator.inventory).toEqual({ runtimes: [], sessions: [] });
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("a run on AgentCore that is interrupted twice leaves no session", async () => {
  const emulator = await startEmulator();
  const cloud = await runOnAgentCore(emulator, "runtime", "slow");
  await cloud.shows(/^› running$/m);
  cloud.kill("SIGINT");
  await cloud.shows("Ctrl-C once more");
  cloud.kill("SIGINT");
  expect(await cloud.ended).toMatchObject({ code: 130 });
  expect(emulator.inventory.sessions).toEqual([]);
});
