import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { listen } from "../emulators/requests/listen.ts";
import { placeBridge } from "../package/placed.ts";
import { figure, quantile } from "./figures.ts";

const PROCESSES = 20;
const WARM_STARTS = 3;
const CALLS = 1000;
const WARM_CALLS = 200;
const AT_ONCE = 100;

const ping = (id: number) => `${JSON.stringify({ jsonrpc: "2.0", id, method: "ping", params: {} })}\n`;

/** A program that gives back what it reads: what a process between two pipes costs on this machine. */
const echo = ["--eval", "process.stdin.pipe(process.stdout)"];

/**
 * What the bridge adds to a call, beside the same call over bare HTTP, a process that does nothing but pass lines on, and the
 * SDK's transports piped together; and how soon and how large it is. The bridge is that of the package, by the command that a
 * client runs; all are in front of a server on loopback that answers at once.
 */
export async function benchBridge(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  const server = createServer(async (incoming, response) => {
    const { id } = JSON.parse(await text(incoming)) as { id: number };
    response.writeHead(200, { "content-type": "application/json" }).end(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  });
  const { endpoint, close } = await listen(server);
  const url = `${endpoint}/mcp`;
  const env = environmentIn(folder);
  try {
    const bridge = [await placeBridge(folder), "bridge", "--endpoint", url, "--region", "us-west-2"];
    const programs = { echo, bridge, sdk: [await bundleSdkPipe(folder), url] };
    await benchStarts(programs, env);
    await benchCalls(url, programs, env);
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Programs = Readonly<Record<"echo" | "bridge" | "sdk", string[]>>;
type Env = Readonly<Record<string, string | undefined>>;

/** As whoever ships it would: one file, with what the SDK has for Node. */
async function bundleSdkPipe(folder: string): Promise<string> {
  const entry = join(import.meta.dirname, "../fixtures/sdk-pipe.ts");
  const outfile = join(folder, "sdk-pipe.cjs");
  await build({ entryPoints: [entry], outfile, bundle: true, minify: true, platform: "node", logLevel: "warning" });
  return outfile;
}

async function benchStarts({ bridge, sdk }: Programs, env: Env): Promise<void> {
  const ms: Record<"bare" | "bridge" | "sdk", number[]> = { bare: [], bridge: [], sdk: [] };
  for (let n = 0; n < WARM_STARTS + PROCESSES; n++) {
    const taken = {
      bare: await bareMs(env),
      bridge: await firstAnswerMs(bridge, env),
      sdk: await firstAnswerMs(sdk, env),
    };
    if (n < WARM_STARTS) continue;
    for (const name of ["bare", "bridge", "sdk"] as const) ms[name].push(taken[name]);
  }
  const processes = `${PROCESSES} fresh processes in turn, after ${WARM_STARTS} that do not count`;
  const how = `${processes}, from the start of the process to its first answer, with what earlier ones have compiled`;
  const least = (name: keyof typeof ms) => `median of ${how}; the least ${Math.min(...ms[name]).toFixed(1)} ms`;
  figure("bare node, start to end", quantile(ms.bare, 0.5), "ms", least("bare"));
  figure("bridge, start to first answer", quantile(ms.bridge, 0.5), "ms", `${least("bridge")}; signed`, "<= 80");
  figure("SDK's transports piped, start to first answer", quantile(ms.sdk, 0.5), "ms", `${least("sdk")}; not signed`);
}

async function benchCalls(url: string, programs: Programs, env: Env): Promise<void> {
  const [passing, through, piped] = [programs.echo, programs.bridge, programs.sdk].map((args) => new Piped(args, env));
  if (!passing || !through || !piped) throw new Error("a program is missing");
  const agent = new Agent({ keepAlive: true });
  const ms: Record<"bare" | "echo" | "bridge" | "sdk", number[]> = { bare: [], echo: [], bridge: [], sdk: [] };
  try {
    await through.ask();
    const idle = memoryOf(through.child, "VmRSS");
    for (let n = 0; n < WARM_CALLS + CALLS; n++) {
      const taken = {
        bare: await timeOf(() => bareCall(url, agent)),
        echo: await timeOf(() => passing.ask()),
        bridge: await timeOf(() => through.ask()),
        sdk: await timeOf(() => piped.ask()),
      };
      if (n < WARM_CALLS) continue;
      for (const name of ["bare", "echo", "bridge", "sdk"] as const) ms[name].push(taken[name]);
    }
    const p50 = (name: keyof typeof ms) => quantile(ms[name], 0.5);
    const how = `${CALLS} calls one after the other, of each in turn, after ${WARM_CALLS} that do not count`;
    figure("call over bare HTTP, p50", p50("bare"), "ms", how);
    figure("line through a process that passes it on, p50", p50("echo"), "ms", `${how}: the two pipes alone`);
    figure("bridge, added per call, p50", p50("bridge") - p50("bare"), "ms", `${how}; each request signed`, "<= 0.5");
    figure("SDK's transports piped, added per call, p50", p50("sdk") - p50("bare"), "ms", `${how}; not signed`);
    figure("bridge, idle", idle, "MB", "resident memory after its first answer", "<= 60");
    const begin = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, () => through.ask()));
    figure(`bridge, ${AT_ONCE} calls at once`, performance.now() - begin, "ms", "until the last has its answer");
    const most = `resident memory at its most, after ${AT_ONCE} calls at once`;
    figure("bridge, under load", memoryOf(through.child, "VmHWM"), "MB", most, "<= 120");
  } finally {
    await Promise.all([passing, through, piped].map((program) => program.end()));
    agent.destroy();
  }
}

/** With keys that open nothing, and a cache that nobody has filled: for what has no other, Node's own. */
const environmentIn = (folder: string): Env => ({
  ...process.env,
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  XDG_CACHE_HOME: folder,
  NODE_COMPILE_CACHE: join(folder, "compile-cache"),
});

const start = (args: readonly string[], env: Env): ChildProcess =>
  spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], env });

/** A program between standard input and an endpoint. */
class Piped {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, () => void>();
  #id = 0;

  constructor(args: readonly string[], env: Env) {
    this.child = start(args, env);
    if (!this.child.stdout) throw new Error("its output is not piped");
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const { id } = JSON.parse(line) as { id: number };
      this.#waiting.get(id)?.();
      this.#waiting.delete(id);
    });
  }

  ask(): Promise<void> {
    this.#id += 1;
    const answered = new Promise<void>((resolve) => this.#waiting.set(this.#id, resolve));
    this.child.stdin?.write(ping(this.#id));
    return answered;
  }

  async end(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.stdin?.end();
    await ended;
  }
}

async function firstAnswerMs(args: readonly string[], env: Env): Promise<number> {
  const begin = performance.now();
  const child = start(args, env);
  const ended = once(child, "exit");
  child.stdin?.write(ping(1));
  if (child.stdout) await once(child.stdout, "data");
  const ms = performance.now() - begin;
  child.stdin?.end();
  await ended;
  return ms;
}

async function bareMs(env: Env): Promise<number> {
  const begin = performance.now();
  await once(start(["--eval", "0"], env), "exit");
  return performance.now() - begin;
}

function bareCall(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent }, (response) => {
      response.resume().once("end", resolve);
    });
    sent.once("error", reject);
    sent.end(ping(1));
  });
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** In MB. */
const memoryOf = ({ pid }: ChildProcess, field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
