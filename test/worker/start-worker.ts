import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeOptions } from "../../lib/backends/local-process/worker-process.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import {
  CONTRACT,
  helloReplySchema,
  type PollReply,
  pollReplySchema,
  type WorkerEvent,
} from "../../lib/contract/worker.ts";

const root = resolve(import.meta.dirname, "../..");
export const fixture = (name: string) => join(root, "test/fixtures", name);
/** A task id that nobody else uses: a worker kills every process that is marked with its own. */
export const newTaskId = () => `task_${randomBytes(16).toString("hex")}`;

/** A folder that goes when the tests of this file are over. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "agentdispatch-test-")));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Json = Record<string, unknown>;
type Finished = { reply: PollReply; events: WorkerEvent[]; text(stream?: "stdout" | "stderr"): string };

/** A real worker in a process of its own, and everything a control plane would say to it. */
export class TestWorker implements AsyncDisposable {
  readonly taskId = newTaskId();
  readonly process: ChildProcess;
  readonly folder: string;
  readonly port: number;
  readonly stderr: () => string;
  bootId = "";

  constructor(process: ChildProcess, folder: string, port: number, stderr: () => string) {
    this.process = process;
    this.folder = folder;
    this.port = port;
    this.stderr = stderr;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async post(body: string | Json, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return fetch(`${this.url}/invocations`, { method: "POST", body: text, headers, ...(signal && { signal }) });
  }

  async call(op: string, fields: Json = {}): Promise<Json> {
    const response = await this.post({ contract: CONTRACT, op, bootId: this.bootId, ...fields });
    return (await response.json()) as Json;
  }

  async ping(): Promise<{ status: string; time_of_last_update: number }> {
    return (await (await fetch(`${this.url}/ping`)).json()) as { status: string; time_of_last_update: number };
  }

  async hello() {
    const reply = helloReplySchema.parse(await this.call("hello"));
    this.bootId = reply.bootId;
    return reply;
  }

  async start(fields: Json): Promise<Json> {
    if (this.bootId === "") await this.hello();
    const limits = { timeoutSeconds: 60, graceSeconds: 1, ...(fields.limits as Json | undefined) };
    return this.call("start", { taskId: this.taskId, depth: 0, input: {}, ...fields, limits });
  }

  async poll(after = 0, waitSeconds = 10, more: Json = {}): Promise<PollReply> {
    return pollReplySchema.parse(await this.call("poll", { taskId: this.taskId, after, waitSeconds, ...more }));
  }

  /** Polls until a reply satisfies the condition; all events so far are in `events`. */
  async pollUntil(isEnough: (reply: PollReply, events: WorkerEvent[]) => boolean): Promise<Finished> {
    const events: WorkerEvent[] = [];
    for (let after = 0; ; ) {
      const reply = await this.poll(after);
      events.push(...reply.events);
      after = reply.next;
      if (isEnough(reply, events)) return { reply, events, text: (stream) => textOf(events, stream) };
    }
  }

  async finish(): Promise<Finished> {
    return this.pollUntil(({ status }) => ["succeeded", "failed", "cancelled"].includes(status));
  }

  /** Runs one command to its end. */
  async run(input: Json, fields: Json = {}): Promise<Finished> {
    await this.start({ taskType: "command.run", input, ...fields });
    return this.finish();
  }

  async agent(input: Json, fields: Json = {}): Promise<Finished> {
    await this.start({ taskType: "agent.run", input, ...fields });
    return this.finish();
  }

  async exited(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, "exit");
    return this.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGTERM");
    await this.exited();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts `worker/main.ts` on a free port. Its temporary files live in a folder of its own. */
export async function startWorker(env: Record<string, string> = {}): Promise<TestWorker> {
  const folder = mkdtempSync(join(tmpdir(), "agentdispatch-test-"));
  const addressFile = join(folder, "address.json");
  const output: string[] = [];
  const child = spawn(process.execPath, [...nodeOptions, join(root, "worker/main.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      TMPDIR: folder,
      // Starting takes two thirds of the time when the code was compiled before.
      NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache"),
      [environmentVariables.workerHost]: "127.0.0.1",
      [environmentVariables.workerPort]: "0",
      [environmentVariables.workerAddressFile]: addressFile,
      ...env,
    },
  });
  child.stderr?.on("data", (chunk) => output.push(String(chunk)));
  while (!existsSync(addressFile)) {
    if (child.exitCode !== null) throw new Error(`the worker ended: ${output.join("")}`);
    await sleep(5);
  }
  const { port } = JSON.parse(readFileSync(addressFile, "utf8")) as { port: number };
  return new TestWorker(child, folder, port, () => output.join(""));
}

export function textOf(events: readonly WorkerEvent[], stream?: "stdout" | "stderr"): string {
  const logs = events.filter(({ type, payload }) => type === "task.log" && (!stream || payload?.stream === stream));
  return logs.map(({ message }) => message ?? "").join("");
}

/** Ids of the live processes whose environment has this entry, read without the code under test. */
export function processesWith(entry: string): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry)
        ? Number(pid)
        : [];
    } catch {
      return [];
    }
  });
}

/** Waits for something that must happen. */
export async function until<T>(look: () => T | Promise<T>, withinMs = 20_000): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as NonNullable<T>;
    if (performance.now() > giveUpAt) throw new Error(`it did not happen within ${withinMs} ms: ${look}`);
    await sleep(10);
  }
}
