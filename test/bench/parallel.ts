import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { claudeCode } from "../agents/programs/claude-code.ts";
import { agentPrograms, claude } from "../fixtures/agent-programs.ts";
import { type BenchSystem, withSystem } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const CHILDREN = 100;
const AT_ONCE = 8;
const TIMEOUT_MS = 600_000;
/** Agents by their folders: one that answers at once, and one that takes about as long as Claude Code itself with a model that does. */
const agents = [
  { agent: "quick", seconds: 0, rounds: 5, what: "" },
  { agent: "slow", seconds: 0.5, rounds: 3, what: " that take half a second" },
] as const;
const recording = join(import.meta.dirname, "../fixtures/agents/claude-code/done.txt");
/** The same program for both: it replays a run, as lines for us, and its last line alone for whoever wants one object. */
const replay = `case "$PWD" in */slow) sleep 0.5 ;; esac
    case "$*" in
      *stream-json*) cat >/dev/null; cat '${recording}' ;;
      *) tail -n 1 '${recording}' ;;
    esac`;

/**
 * How long a hundred agents take through `dispatch_parallel`, and, where its command line is given, through the tool of the same
 * name of the Python package agent-dispatch: the same program, as many at a time, in turn.
 */
export async function benchParallel(beside: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  try {
    const programs = agentPrograms(folder);
    programs.install(claudeCode.program, { ...claude(claudeCode.version), run: replay });
    const folders = Object.fromEntries(agents.map(({ agent }) => [agent, join(folder, agent)]));
    for (const each of Object.values(folders)) mkdirSync(each);
    const env = {
      PATH: [programs.bin, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: folder,
      ANTHROPIC_API_KEY: "key-of-the-bench",
    };
    const local = { backend: "local", framework: claudeCode.framework };
    const configuration = {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { local: { adapter: "local-process", account: "local" } },
      runtimes: Object.fromEntries(Object.entries(folders).map(([name, workspace]) => [name, { ...local, workspace }])),
      defaults: { limits: { maxRunning: AT_ONCE } },
    };
    await withSystem({ prewarm: true, env, configuration }, (system) =>
      withPython(beside, { folder, folders, env }, async (python) => {
        for (const each of agents) await measure(each, system, python);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function measure(
  { agent, seconds, rounds, what }: (typeof agents)[number],
  { client }: BenchSystem,
  python: Client | undefined,
): Promise<void> {
  const samples = { ours: [] as number[], python: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const ours = await timeOf(() => dispatchAll(client, agent, `ours ${round}`, (list) => list));
    await sleep(1000);
    const theirs = python && (await timeOf(() => dispatchAll(python, agent, `python ${round}`, JSON.stringify)));
    await sleep(1000);
    // In the first round code is loaded and compiled.
    if (round === 0) continue;
    samples.ours.push(ours);
    if (theirs !== undefined) samples.python.push(theirs);
  }
  const how = `${CHILDREN} agents that replay a run of Claude Code in ${seconds} s, ${AT_ONCE} at a time, from one call of dispatch_parallel until its answer; median of ${rounds} rounds`;
  const name = `dispatch_parallel of ${CHILDREN}${what}`;
  const ours = quantile(samples.ours, 0.5) / 1000;
  const theirs = quantile(samples.python, 0.5) / 1000;
  figure(name, ours, "s", how);
  if (!python) return;
  figure("  that of the Python tool", theirs, "s", `${how}, in turn with ours`);
  figure(`${name} / that of the Python tool`, ours / theirs, "x", "of the two above", "<= 1");
}

/** Throws an Error where one of the agents has not answered. */
async function dispatchAll(
  client: Client,
  agent: string,
  round: string,
  given: (list: object[]) => unknown,
): Promise<void> {
  const list = Array.from({ length: CHILDREN }, (_, at) => ({ agent, task: `say done, ${round} ${at}` }));
  const options = { timeout: TIMEOUT_MS };
  const answer = await client.callTool({ name: "dispatch_parallel", arguments: { dispatches: given(list) } }, options);
  const [first] = answer.content;
  const results: unknown = first?.type === "text" ? JSON.parse(first.text) : undefined;
  const done = Array.isArray(results) ? results.filter(({ success }) => success === true).length : 0;
  if (done !== CHILDREN) throw new Error(`${done} of ${CHILDREN} answered: ${JSON.stringify(answer).slice(0, 500)}`);
}

type Placed = { folder: string; folders: Record<string, string>; env: Record<string, string> };

async function withPython(
  commandLine: string | undefined,
  { folder, folders, env }: Placed,
  use: (client: Client | undefined) => Promise<void>,
): Promise<void> {
  if (commandLine === undefined) return use(undefined);
  const config = join(folder, "agents.yaml");
  const settings = { max_concurrency: AT_ONCE, cache: { enabled: false } };
  const known = Object.entries(folders).map(([name, directory]) => [name, { directory, description: name }]);
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ agents: Object.fromEntries(known), settings }));
  const client = new Client({ name: "bench", version: "0" });
  const transport = { command: "sh", args: ["-c", commandLine], env: { ...env, AGENT_DISPATCH_CONFIG: config } };
  await client.connect(new StdioClientTransport({ ...transport, stderr: "ignore" }));
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
