import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installed } from "../agents/installed.ts";
import { claudeCode } from "../agents/programs/claude-code.ts";
import { scripted } from "../emulators/models/script.ts";
import { agentPrograms, claude } from "../fixtures/agent-programs.ts";
import { workersOf } from "../system/workers.ts";
import { type BenchSystem, withSystem } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";
import { shareMb } from "./memory.ts";

const KEY = "key-of-the-bench";
const WARM_UP = 5;
const RUNNING = 8;
const SETTLE_MS = 2000;
const recording = join(import.meta.dirname, "../fixtures/agents/claude-code/done.txt");

/** The program and what its environment is beside PATH and HOME. */
type Placed = { bin: string; env: Record<string, string> };

/** What Claude Code as a framework adds to the same program started by hand: one that replays a run, and the real one. */
export async function benchAgents(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  try {
    const replayed = { bin: replayIn(folder, `cat '${recording}'`), env: { ANTHROPIC_API_KEY: KEY } };
    await benchAdded(folder, replayed, "replayed", 40);
    await benchMemory(folder, {
      bin: replayIn(folder, `head -n 3 '${recording}'; exec sleep 600`),
      env: { ANTHROPIC_API_KEY: KEY },
    });
    const bin = installed(claudeCode);
    if (!bin)
      return console.log(`${claudeCode.name} is not installed by "npm run test:agents": the real one is not measured`);
    await using model = await claudeCode.startModel(KEY);
    const home = join(folder, "home");
    mkdirSync(home);
    await benchAdded(
      folder,
      { bin, env: claudeCode.settle(home, { url: model.url, key: KEY }) },
      claudeCode.version,
      10,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Makes a program of that name which reads its prompt and then prints; returns the folder that has it. */
function replayIn(folder: string, printing: string): string {
  const programs = agentPrograms(mkdtempSync(join(folder, "replay-")));
  programs.install(claudeCode.program, { ...claude(claudeCode.version), run: `cat >/dev/null; ${printing}` });
  return programs.bin;
}

async function benchAdded(folder: string, placed: Placed, kind: string, rounds: number): Promise<void> {
  const env = environmentOf(folder, placed);
  const instruction = scripted("say hi", { say: "hi\nSTATUS: done" });
  await withSystem({ prewarm: true, env }, async (system) => {
    const added: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < WARM_UP + rounds; round++) {
      await sleep(100);
      const ours = await timeOf(() => runTask(system, instruction));
      const alone = await timeOf(() => runBare(placed, env, instruction));
      if (round < WARM_UP) continue;
      added.push(ours - alone);
      bare.push(alone);
    }
    const how = `${rounds} rounds, in each a task from its dispatch until a client that waits has the result, less the bare program with the same options`;
    figure(`claude-code (${kind}) adds to its program, p50`, quantile(added, 0.5), "ms", how, "<= 30");
    figure(`claude-code (${kind}) adds to its program, p95`, quantile(added, 0.95), "ms", how);
    figure("  the bare program, p50", quantile(bare, 0.5), "ms", how);
  });
}

async function benchMemory(folder: string, placed: Placed): Promise<void> {
  await withSystem({ prewarm: true, env: environmentOf(folder, placed) }, async (system) => {
    const workersMb = () => workersOf(system.stateDir).reduce((sum, { pid }) => sum + shareMb(pid), 0);
    const start = async () => (await system.call("spawn_cloud_agent", agentTask("wait"))).taskId;
    const end = async (task_id: unknown) => {
      await system.call("cancel_task", { task_id });
      await system.call("wait_for_task", { task_id });
    };
    const isRunning = async (task_id: unknown) => {
      while ((await system.call("get_task_status", { task_id })).status !== "running") await sleep(50);
    };
    // What the first one loads is there for all.
    const first = await start();
    await isRunning(first);
    await end(first);
    await sleep(SETTLE_MS);
    const before = workersMb();
    const ids = await Promise.all(Array.from({ length: RUNNING }, start));
    for (const id of ids) await isRunning(id);
    await sleep(SETTLE_MS);
    const each = (workersMb() - before) / RUNNING;
    const how = `proportional set size of the workers, with ${RUNNING} agents that run and without; their programs not counted`;
    figure("worker memory for an agent that runs", each, "MB", how);
    for (const id of ids) await end(id);
  });
}

const environmentOf = (folder: string, { bin, env }: Placed): Record<string, string> => ({
  PATH: [bin, dirname(process.execPath), process.env.PATH].join(delimiter),
  HOME: join(folder, "home"),
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  ...env,
});

const agentTask = (instruction: string) => ({ instruction, framework: claudeCode.framework });

async function runTask({ call }: BenchSystem, instruction: string): Promise<void> {
  const { taskId } = await call("spawn_cloud_agent", agentTask(instruction));
  const record = await call("wait_for_task", { task_id: taskId, timeout_seconds: 40 });
  if (record.status !== "succeeded") throw new Error(`the task is ${record.status}: ${JSON.stringify(record.error)}`);
}

/** The program with the options that the framework gives it, and the same prompt. */
async function runBare({ bin }: Placed, env: Record<string, string>, prompt: string): Promise<void> {
  const args = ["-p", "--output-format=stream-json", "--verbose", "--permission-prompts=none"];
  const apart = ["--setting-sources=", "--strict-mcp-config", "--permission-mode=acceptEdits"];
  const child = spawn(join(bin, claudeCode.program), [...args, ...apart], {
    env,
    cwd: tmpdir(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdout.resume();
  child.stderr.resume();
  child.stdin.end(prompt);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the bare program ended with ${code}`);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
