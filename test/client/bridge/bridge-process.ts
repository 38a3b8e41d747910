import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import type { AtEnd } from "../../mcp/clients.ts";
import { cleanEnv } from "../cli/cli.ts";

const bridgeEntry = join(import.meta.dirname, "../../../lib/client/bridge/main.ts");

/** What the bridge runs in: nothing of the tests' own, and keys that open nothing. */
const bridgeEnv = (more: Record<string, string> = {}): Record<string, string> =>
  ({ ...cleanEnv(), AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "canary-secret", ...more }) as Record<
    string,
    string
  >;

/** The bridge as a client of MCP is told to start it. */
export const bridgeCommand = (args: string[], env: Record<string, string> = {}) => ({
  command: process.execPath,
  args: [bridgeEntry, ...args],
  env: bridgeEnv(env),
});

export type BridgeOptions = {
  env?: Record<string, string>;
  /** The folder that the client was opened in. */
  cwd?: string;
  atEnd?: AtEnd;
  /** Another program that does the same. */
  entry?: string;
  /** Another Node that runs it. */
  node?: string;
};

/** The bridge as a client starts it, and what a client sees of it: lines. */
export class BridgeProcess {
  readonly child: ChildProcess;
  readonly messages: Json[] = [];
  /** As they came. */
  readonly lines: string[] = [];
  err = "";
  readonly ended: Promise<number | null>;
  #news = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: BridgeOptions = {}) {
    const { env, cwd, atEnd = onTestFinished, entry = bridgeEntry, node = process.execPath } = options;
    this.child = spawn(node, [entry, ...args], { stdio: "pipe", cwd, env: bridgeEnv(env) });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    this.child.stdin?.on("error", () => {});
    this.ended = once(this.child, "close").then(([code]) => code);
    void this.ended.then(() => this.#told());
    atEnd(async () => {
      this.child.kill("SIGKILL");
      await this.ended;
    });
    this.#read().catch((error: NodeJS.ErrnoException) => {
      // A test closed it.
      if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    });
  }

  async #read(): Promise<void> {
    let begun: string[] = [];
    // By hand: readline ends a line at U+2028 too, which may be in a message.
    for await (const text of this.child.stdout?.setEncoding("utf8") ?? []) {
      const [first = "", ...more] = text.split("\n");
      begun.push(first);
      for (const next of more) {
        const line = begun.join("");
        begun = [next];
        this.lines.push(line);
        this.messages.push(JSON.parse(line) as Json);
      }
      this.#told();
    }
  }

  #told(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Sends a message, or a line as it is. */
  send(message: object | string): void {
    this.child.stdin?.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }

  /** The first message that is wanted; fails when the bridge ends before. */
  async until(isWanted: (message: Json) => boolean): Promise<Json> {
    for (;;) {
      const found = this.messages.find(isWanted);
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`the bridge ended: ${this.err}\n${this.lines.join("\n").slice(0, 2000)}`);
      await this.#news.promise;
    }
  }

  /** The answer to the request of that id. */
  answer(id: unknown): Promise<Json> {
    return this.until((message) => message.id === id && !("method" in message));
  }

  /** Sends a request; resolves with its answer. */
  ask(id: number | string, method: string, params: Json = {}): Promise<Json> {
    this.send({ jsonrpc: "2.0", id, method, params });
    return this.answer(id);
  }

  /** Closes its input; resolves with its exit code. */
  end(): Promise<number | null> {
    this.child.stdin?.end();
    return this.ended;
  }

  /** Resident memory, in MB. */
  rss(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"))?.[1]) / 1024;
  }
}
