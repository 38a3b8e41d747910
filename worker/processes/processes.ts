import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { limitOf, readLimit } from "./process-mark.ts";

/** Killing takes effect at once, except for a process that the kernel holds; that one is not waited for longer. */
const GIVE_UP_MS = 5000;

/** What the processes of one session, or of one task, carry: in their environment, or as `withMark` gives it. */
export type Mark = readonly [name: string, value: string];

/** The first process that carries a mark, and when it was started by the steady clock: all others are its descendants. */
export type Origin = { pid: number; startedAtMs: number };

/** Nobody starts as many processes in so short a time as there are ids, so that an older one is no descendant. */
const YOUNG_MS = 1000;

/** Every process, other than this one, that carries the mark. It is inherited whatever happens to group, session or parent. */
export async function findMarked(name: string, value: string, exclude: readonly number[] = []): Promise<number[]> {
  return findAnyMarked([[name, value]], exclude);
}

/** Every process, other than this one, that carries any of the marks; where their origin is known that takes less time. */
export async function findAnyMarked(
  marks: readonly Mark[],
  exclude: readonly number[] = [],
  origin?: Origin,
): Promise<number[]> {
  const found = process.platform === "linux" ? markedInProc(marks, origin) : await markedInPs(marks);
  return found.filter((pid) => pid !== process.pid && !exclude.includes(pid));
}

/**
 * Kills every process that carries `name=value`, until none is left: also those that went into a session of their own.
 * Returns the ids of those killed.
 *
 * @example await killMarked("AGENTDISPATCH_SESSION", marker)
 */
export async function killMarked(name: string, value: string, exclude: readonly number[] = []): Promise<number[]> {
  return killAnyMarked([[name, value]], exclude);
}

/** The same for any of the marks. */
export async function killAnyMarked(
  marks: readonly Mark[],
  exclude: readonly number[] = [],
  origin?: Origin,
): Promise<number[]> {
  const killed = new Set<number>();
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (;;) {
    // One that became another user's cannot be killed, and is not waited for.
    const found = (await findAnyMarked(marks, exclude, origin)).filter((pid) => signal(pid, "SIGKILL"));
    for (const pid of found) killed.add(pid);
    if (found.length === 0 || performance.now() > giveUpAt) return [...killed];
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
  return unlessHidden(() => Number(statOf(pid)[2]));
}

/** State, parent, group and what follows: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid: number): string[] {
  // The name in the second field may hold anything, parentheses included.
  return readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
}

/** The id that was given out last, by which one can see whether they began anew after an origin. */
const lastPid = (): number => Number(readFileSync("/proc/loadavg", "latin1").split(" ")[4]);

function isYoung({ pid, startedAtMs }: Origin): boolean {
  return performance.now() - startedAtMs < YOUNG_MS && lastPid() >= pid;
}

function markedInProc(marks: readonly Mark[], origin: Origin | undefined): number[] {
  const entries = marks.map(([name, value]) => Buffer.from(`\0${name}=${value}\0`));
  const limits = new Set<string | undefined>(marks.map(([name, value]) => limitOf(name, value)));
  const hasEntry = (pid: number) => {
    const environment = Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`), Buffer.of(0)]);
    return entries.some((entry) => environment.includes(entry));
  };
  // One that has ended keeps its limits until somebody waits for it.
  const hasLimit = (pid: number) => limits.has(readLimit(pid)) && !/[ZX]/.test(statOf(pid)[0] ?? "");
  const first = origin && isYoung(origin) ? origin.pid : 0;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid >= first)
    .filter((pid) => unlessHidden(() => hasLimit(pid)) || unlessHidden(() => hasEntry(pid)));
}

/** Undefined for a process that is gone meanwhile, or does not show this. */
function unlessHidden<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && /^(ENOENT|ESRCH|EACCES|EPERM)$/.test(String(error.code)))
      return undefined;
    // Anything else, such as too many open files, must not pass for a process less.
    throw error;
  }
}

async function markedInPs(marks: readonly Mark[]): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["axeww", "-o", "pid=,command="], { maxBuffer: 64 * 1024 * 1024 });
  const isMarked = (line: string) => marks.some(([name, value]) => ` ${line} `.includes(` ${name}=${value} `));
  return stdout.split("\n").flatMap((line) => (isMarked(line) ? [Number.parseInt(line, 10)] : []));
}
