import { spawn } from "node:child_process";
import { type Tool, tool } from "@strands-agents/sdk";
import * as z from "zod";

const USUAL_SECONDS = 120;
const MAX_SECONDS = 3600;
/** Of each stream the beginning and the end are kept, in characters: the rest is of no use to a model. */
const KEPT = 30_000;
/** From SIGTERM to SIGKILL, in milliseconds. */
const GRACE_MS = 2000;

const input = z.object({
  command: z.string().min(1).max(100_000).describe("What a POSIX shell is to run."),
  timeoutSeconds: z.number().positive().max(MAX_SECONDS).optional().describe(`Default ${USUAL_SECONDS}.`),
});

/** Runs commands in the workspace, each in a process group of its own, with this environment. */
export function shellTool(workspace: string, env: NodeJS.ProcessEnv): Tool {
  return tool({
    name: "shell",
    description:
      "Runs a command in a new POSIX shell in the workspace, and answers with its exit code and what it printed. " +
      "Nothing of the shell is kept for the next call but files. It has no standard input and no terminal.",
    inputSchema: input,
    callback: ({ command, timeoutSeconds = USUAL_SECONDS }, context) =>
      run(command, { cwd: workspace, env, timeoutMs: timeoutSeconds * 1000, signal: context?.cancelSignal }),
  });
}

type Options = { cwd: string; env: NodeJS.ProcessEnv; timeoutMs: number; signal: AbortSignal | undefined };
type Ended = { exitCode: number | null; signal?: string; timedOut?: boolean; stdout: string; stderr: string };

async function run(command: string, { cwd, env, timeoutMs, signal }: Options): Promise<Ended> {
  const child = spawn("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const stdout = new Ends();
  const stderr = new Ends();
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout.add(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.add(text));
  let timedOut = false;
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    end(child.pid, "SIGTERM");
    killing ??= setTimeout(() => end(child.pid, "SIGKILL"), GRACE_MS);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const { code, by } = await new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, by) => resolve({ code, by }));
    });
    // Whatever went into the background with its output elsewhere goes on, until the task ends; the rest is read now.
    await drained(child.stdout, child.stderr);
    return {
      exitCode: code,
      ...(by !== null && { signal: by }),
      ...(timedOut ? { timedOut } : {}),
      stdout: stdout.text,
      stderr: stderr.text,
    };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    signal?.removeEventListener("abort", stop);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** How long output is waited for once the shell is gone, in milliseconds: what it left running may hold its pipes. */
const DRAIN_MS = 300;

async function drained(...streams: NodeJS.ReadableStream[]): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, DRAIN_MS);
  const closed = streams.map((stream) => new Promise<void>((resolve) => stream.once("close", () => resolve())));
  await Promise.race([Promise.all(closed), late.promise]);
  clearTimeout(timer);
}

/** A whole process group; one that is gone already is no failure. */
function end(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {}
}

/** The beginning and the end of a text that may have no end. */
class Ends {
  #first = "";
  #last = "";
  #left = 0;

  add(text: string): void {
    const room = KEPT - this.#first.length;
    this.#first += text.slice(0, room);
    const rest = this.#last + text.slice(room < 0 ? 0 : room);
    this.#left += Math.max(0, rest.length - KEPT);
    this.#last = rest.slice(-KEPT);
  }

  get text(): string {
    const between = this.#left === 0 ? "" : `\n[… ${this.#left} characters left out …]\n`;
    return `${this.#first}${between}${this.#last}`.toWellFormed();
  }
}
