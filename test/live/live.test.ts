/** The live suite against the emulated cloud: over real HTTP, signed, by its own command. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { isTerminal } from "../../lib/contract/lifecycle.ts";
import { ownerOf } from "../../lib/engine/owner.ts";
import { REGION, signingFetch } from "../aws/callers.ts";
import { credentials } from "../emulators/agentcore/emulator.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { startCloudFormation } from "../emulators/cloudformation.ts";
import { connect } from "../mcp/clients.ts";
import { cloudConfiguration, onAws } from "../system/cloud-under-test.ts";
import { systemClient } from "../system/system.ts";
import { MOST_TASKS } from "./plan.ts";

const STACK = "deployed";
let cloud: CloudSystem;
let cloudFormation: Awaited<ReturnType<typeof startCloudFormation>>;
const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-live-"));
beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  const stacks = { [STACK]: { Endpoint: cloud.url, Region: REGION } };
  cloudFormation = await startCloudFormation({ region: REGION, identities, stacks });
});
afterAll(async () => {
  await cloudFormation?.close();
  await cloud?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A principal of its own, with the one key that all emulated services know. */
function admit() {
  return cloud.admit(cloud.admit().userArn, credentials);
}

/** Starts the command; `said` grows with what it prints. */
function live(...words: string[]) {
  const child = spawn(process.execPath, ["test/live/main.ts", ...words], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      HOME: folder,
      AGENTDISPATCH_LIVE_STACK: STACK,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: cloud.emulator.endpoint,
    },
  });
  const run = { child, said: "", ended: ended(child) };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      run.said += text;
    });
  onTestFinished(() => void child.kill("SIGKILL"));
  return run;
}

async function ended(child: ChildProcess): Promise<number | null> {
  await once(child, "close");
  return child.exitCode;
}

const tasksOf = async (owner: string) => (await cloud.store.list(owner, { limit: 100 })).items;
const requests = () => cloud.requests.reduce((sum, each) => sum + each, 0);

/** Until a job of that owner runs, or why none will. */
async function runs(owner: string, run: ReturnType<typeof live>): Promise<void> {
  const isRunning = async () => (await tasksOf(owner)).some(({ status }) => status === "running");
  await expect.poll(isRunning, { timeout: 200_000, interval: 200 }).toBe(true);
  if (run.child.exitCode !== null) throw new Error(run.said);
}

async function nothingRuns(owner: string): Promise<void> {
  const open = async () => (await tasksOf(owner)).filter(({ status }) => !isTerminal(status)).map(({ id }) => id);
  expect(await open()).toEqual([]);
  await expect.poll(() => cloud.emulator.inventory.sessions, { timeout: 60_000 }).toEqual([]);
}

it("refuses to begin with a budget that may not be enough, and asks the stack for nothing", async () => {
  admit();
  const before = requests();
  const run = live("--max-usd", "0.05");
  expect(await run.ended).toBe(2);
  expect(run.said).toMatch(/more than the budget of .* nothing was begun/);
  expect(requests()).toBe(before);
});

it("runs the suites, times what AgentCore takes, and leaves nothing", { timeout: 900_000 }, async () => {
  const owner = ownerOf(admit().userArn);
  const report = join(folder, "report.json");
  const run = live("--report", report);
  expect(await run.ended, run.said).toBe(0);
  const figures = JSON.parse(readFileSync(report, "utf8")) as {
    found: string[];
    left: string[];
    timings: { name: string; seconds: number | string }[];
  };
  const tasks = await tasksOf(owner);
  expect(figures.found.length).toBe(tasks.length);
  expect(tasks.length).toBeLessThanOrEqual(MOST_TASKS);
  expect(figures.left).toEqual([]);
  expect(figures.timings.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      "session: dispatch to the worker's first answer",
      "session: cancel to stopped",
      "own runtime: dispatch to the worker's first answer",
      "own runtime: noted to gone",
    ]),
  );
  for (const { seconds, name } of figures.timings) expect([name, typeof seconds]).toEqual([name, "number"]);
  await nothingRuns(owner);
});

it("ends what it made when it is interrupted", { timeout: 600_000 }, async () => {
  const owner = ownerOf(admit().userArn);
  const run = live("--report", join(folder, "interrupted.json"));
  await runs(owner, run);
  run.child.kill("SIGINT");
  expect(await run.ended, run.said).toBe(130);
  expect(run.said).toMatch(/SIGINT; cleaning up[\s\S]*cleaned: [1-9]/);
  await nothingRuns(owner);
});

it("cleans what a run has left that was killed, and no other task", { timeout: 600_000 }, async () => {
  const caller = admit();
  const owner = ownerOf(caller.userArn);
  const connected = await connect(cloud.url, "2026-07-28", signingFetch(caller));
  const other = systemClient(connected, { place: onAws("session", { backend: "agentcore" }) });
  const kept = await other.command("sleep 600");
  await other.until(kept, ({ status }) => status === "running");

  // A task of the run is on its way while the run dies, and until it is cancelled.
  const held = cloud.holdAt("Start", caller);
  const run = live("--report", join(folder, "killed.json"));
  await held.isThere;
  run.child.kill("SIGKILL");
  await run.ended;
  const again = live("--clean");
  const isCancelling = async () => (await tasksOf(owner)).some(({ status }) => status === "cancelling");
  await expect.poll(isCancelling, { timeout: 60_000, interval: 100 }).toBe(true);
  held.release();
  expect(await again.ended, again.said).toBe(0);
  expect(again.said).toMatch(/^cleaned: [1-9]\d* tasks/m);
  const open = (await tasksOf(owner)).filter(({ status }) => !isTerminal(status));
  expect(open).toMatchObject([{ id: kept, status: "running" }]);
  await other.must("cancel_task", { task_id: kept });
  await other.ended(kept);
  await nothingRuns(owner);
});
