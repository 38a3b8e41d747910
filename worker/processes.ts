import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** Killing takes effect at once, except for a process that the kernel holds; that one is not waited for longer. */
const GIVE_UP_MS = 5000;

/**
 * Every process, other than this one, whose environment carries `name=value`. A process inherits the mark whatever it
 * does to its group, session or parent.
 */
export async function findMarked(name: string, value: string, exclude: readonly number[] = []): Promise<number[]> {
  const mark = `${name}=${value}`;
  const found = process.platform === "linux" ? markedInProc(mark) : await markedInPs(mark);
  return found.filter((pid) => pid !== process.pid && !exclude.includes(pid));
}

/**
 * Kills every process that carries `name=value` in its environment, until none is left: also those that went into a
 * session of their own. Returns the ids of those killed.
 *
 * @example await killMarked("AGENTDISPATCH_SESSION", marker)
 */
export async function killMarked(name: string, value: string, exclude: readonly number[] = []): Promise<number[]> {
  const killed = new Set<number>();
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (;;) {
    const found = await findMarked(name, value, exclude);
    if (found.length === 0 || performance.now() > giveUpAt) return [...killed];
    for (const pid of found) {
      signal(pid, "SIGKILL");
      killed.add(pid);
    }
    await sleep(5);
  }
}

/** Sends a signal; a negative id means a process group. False when there is nobody to receive it. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** The process group of a process, where the system tells it cheaply. */
export function groupOf(pid: number): number | undefined {
  try {
    // The name in the second field may hold anything, parentheses included.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(fields[2]);
  } catch {
    return undefined;
  }
}

function markedInProc(mark: string): number[] {
  const entry = Buffer.from(`\0${mark}\0`);
  return readdirSync("/proc").flatMap((folder) => {
    if (!/^\d+$/.test(folder)) return [];
    try {
      const environment = Buffer.concat([Buffer.of(0), readFileSync(`/proc/${folder}/environ`), Buffer.of(0)]);
      return environment.includes(entry) ? [Number(folder)] : [];
    } catch (error) {
      if (isHidden(error)) return [];
      throw error;
    }
  });
}

/** Gone meanwhile, or somebody else's. Anything else, such as too many open files, must not pass for a process less. */
const isHidden = (error: unknown): boolean =>
  error instanceof Error && "code" in error && /^(ENOENT|ESRCH|EACCES|EPERM)$/.test(String(error.code));

async function markedInPs(mark: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["axeww", "-o", "pid=,command="], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split("\n").flatMap((line) => (` ${line} `.includes(` ${mark} `) ? [Number.parseInt(line, 10)] : []));
}
