import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";

const entry = fileURLToPath(new URL("../../../bin/agent-dispatch.ts", import.meta.url));

export type Ended = { code: number | null; out: string; err: string };

type CliOptions = {
  stdin?: string;
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** The program, else that of this clone, and the Node that runs it. */
  entry?: string;
  node?: string;
};

/** The real command line as a child process, as it goes. */
export class Cli {
  readonly child: ChildProcess;
  out = "";
  err = "";
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], options: CliOptions = {}) {
    this.child = spawn(options.node ?? process.execPath, [options.entry ?? entry, ...args], {
      cwd: options.cwd,
      env: { ...cleanEnv(), ...options.env },
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.child.stdin?.end(options.stdin);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    this.ended = once(this.child, "close").then(([code]) => ({ code, out: this.out, err: this.err }));
  }

  /** Resolves once the output has the text; fails with all that was written when it ends, or 20 s pass, before that. */
  async shows(text: string | RegExp): Promise<void> {
    const has = () => (typeof text === "string" ? this.#whole.includes(text) : text.test(this.#whole));
    const deadline = AbortSignal.timeout(20_000);
    const ended = this.ended.then(() => false);
    while (!has() && !deadline.aborted) {
      const more = [this.child.stdout, this.child.stderr].map(
        (stream) => stream && once(stream, "data", { signal: deadline }),
      );
      const goesOn = await Promise.race([ended, ...more.map((wait) => wait?.then(() => true) ?? ended)]).catch(
        () => false,
      );
      for (const wait of more) wait?.catch(() => {});
      if (!goesOn) break;
    }
    expect(this.#whole).toMatch(text);
  }

  get #whole(): string {
    return `${this.out}\n${this.err}`;
  }

  /** Whether the process has said what is to happen at that signal. */
  listensTo(signal: NodeJS.Signals): boolean {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"))?.[1] ?? "0";
    return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs a command line to its end. */
export function cli(...args: ConstructorParameters<typeof Cli>): Promise<Ended> {
  return new Cli(...args).ended;
}

/** What the tests themselves run in must not reach what they test. */
export function cleanEnv(): Record<string, string | undefined> {
  const ours = (name: string) => name.startsWith("AGENTDISPATCH_") || name === "CI" || name === "FORCE_COLOR";
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name)));
}

/** A folder of a test's own, which may be that of a system's state. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-dispatch-cli-"));
  shareCompiledCode(folder);
  return folder;
}

export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5 });
