import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { bundleBridge } from "../client/bridge/bundle-bridge.ts";
import { listen } from "../emulators/requests/listen.ts";
import { figure, quantile } from "./figures.ts";

const PROCESSES = 20;
const CALLS = 1000;
const WARM_CALLS = 200;
const AT_ONCE = 100;

const ping = (id: number) => `${JSON.stringify({ jsonrpc: "2.0", id, method: "ping", params: {} })}\n`;

/**
 * What the bridge adds to a call, beside the same call over bare HTTP and beside the SDK's transports piped together, and how
 * soon and how large it is: each from its bundle, in front of a server on loopback that answers at once.
 */
export async function benchBridge(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bench-"));
  const server = createServer(async (incoming, response) => {
    const { id } = JSON.parse(await text(incoming)) as { id: number };
    response.writeHead(200, { "content-type": "application/json" }).end(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  });
  const { endpoint, close } = await listen(server);
  const url = `${endpoint}/mcp`;
  try {
    const bridge = [await bundleBridge(folder), "--endpoint", url, "--region", "us-west-2"];
    const sdk = [await bundleBridge(folder, join(import.meta.dirname, "../fixtures/sdk-pipe.ts")), url];
    const starts: Record<"bare" | "bridge" | "sdk", number[]> = { bare: [], bridge: [], sdk: [] };
    for (let n = 0; n < PROCESSES; n++) {
      starts.bare.push(await bareMs());
      starts.bridge.push(await firstAnswerMs(bridge));
      starts.sdk.push(await firstAnswerMs(sdk));
    }
    const how = `median of ${PROCESSES} fresh processes in turn, from the start of the process to its first answer, no compile cache`;
    figure("bare node, start to end", quantile(starts.bare, 0.5), "ms", `median of ${PROCESSES}`);
    figure("bridge, start to first answer", quantile(starts.bridge, 0.5), "ms", `${how}; each request signed`, "<= 80");
    figure("SDK's transports piped, start to first answer", quantile(starts.sdk, 0.5), "ms", `${how}; not signed`);
    await benchCalls(url, bridge, sdk);
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchCalls(url: string, bridge: string[], sdk: string[]): Promise<void> {
  const [through, piped] = [new Piped(bridge), new Piped(sdk)];
  const agent = new Agent({ keepAlive: true });
  const ms: Record<"bare" | "bridge" | "sdk", number[]> = { bare: [], bridge: [], sdk: [] };
  try {
    await through.ask();
    const idle = memoryOf(through.child, "VmRSS");
    for (let n = 0; n < WARM_CALLS + CALLS; n++) {
      const taken = {
        bare: await timeOf(() => bareCall(url, agent)),
        bridge: await timeOf(() => through.ask()),
        sdk: await timeOf(() => piped.ask()),
      };
      if (n < WARM_CALLS) continue;
      for (const name of ["bare", "bridge", "sdk"] as const) ms[name].push(taken[name]);
    }
    const p50 = (name: keyof typeof ms) => quantile(ms[name], 0.5);
    const how = `${CALLS} calls one after the other, of each in turn, after ${WARM_CALLS} that do not count`;
    figure("call over bare HTTP, p50", p50("bare"), "ms", how);
    figure("bridge, added per call, p50", p50("bridge") - p50("bare"), "ms", `${how}; each request signed`, "<= 0.5");
    figure("SDK's transports piped, added per call, p50", p50("sdk") - p50("bare"), "ms", `${how}; not signed`);
    figure("bridge, idle", idle, "MB", "resident memory after its first answer", "<= 60");
    const begin = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, () => through.ask()));
    figure(`bridge, ${AT_ONCE} calls at once`, performance.now() - begin, "ms", "until the last has its answer");
    const most = `resident memory at its most, after ${AT_ONCE} calls at once`;
    figure("bridge, under load", memoryOf(through.child, "VmHWM"), "MB", most, "<= 120");
  } finally {
    await Promise.all([through.end(), piped.end()]);
    agent.destroy();
  }
}

const env = {
  ...process.env,
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  NODE_COMPILE_CACHE: "",
};

const start = (args: string[]): ChildProcess =>
  spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"], env });

/** A program between standard input and an endpoint. */
class Piped {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, () => void>();
  #id = 0;

  constructor(args: string[]) {
    this.child = start(args);
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

async function firstAnswerMs(args: string[]): Promise<number> {
  const begin = performance.now();
  const child = start(args);
  const ended = once(child, "exit");
  child.stdin?.write(ping(1));
  if (child.stdout) await once(child.stdout, "data");
  const ms = performance.now() - begin;
  child.stdin?.end();
  await ended;
  return ms;
}

async function bareMs(): Promise<number> {
  const begin = performance.now();
  await once(start(["--eval", "0"]), "exit");
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
