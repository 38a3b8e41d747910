import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { quote } from "shlex";
import { expect } from "vitest";
import { cleanEnv } from "./cli.ts";

const entry = fileURLToPath(new URL("../../../bin/agent-dispatch.ts", import.meta.url));

/** The command line as a word of a shell's line. */
export const agentDispatch = `${quote(process.execPath)} ${quote(entry)}`;

/** A shell's line on a terminal of its own, made by script(1) of util-linux; all that it shows is kept raw. */
export class Terminal {
  readonly child: ChildProcess;
  raw = "";
  readonly ended: Promise<{ code: number | null; raw: string }>;

  constructor(line: string, env: Record<string, string> = {}) {
    this.child = spawn("script", ["--quiet", "--return", "--flush", "--command", line, "/dev/null"], {
      env: { ...cleanEnv(), TERM: "xterm-256color", SHELL: "/bin/bash", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.raw += text;
    });
    this.ended = once(this.child, "close").then(([code]) => ({ code, raw: this.raw }));
  }

  /** Types what a person would. */
  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  async shows(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.raw, { timeout: 20_000 }).toMatch(text);
  }

  /** Closes the window: whatever runs in it is told, and can write no more. */
  close(): void {
    this.child.kill("SIGKILL");
  }
}
