import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * A mark that a process cannot hide by accident: the limit on the number of file locks, which Linux passes on to all
 * descendants, shows to everybody and has not enforced since 2.4.25 (https://man7.org/linux/man-pages/man2/getrlimit.2.html).
 * An environment can be overwritten or closed to others, and a parent or a session can be left; this limit cannot be
 * raised again.
 */
const LINE = /^Max file locks +\d+ +(\d+)/m;
/** So high that nobody else has set it. */
const BASE = 2n ** 60n;
/** What ends a shell that could not become its program (16; not every shell knows its name): no program uses it. */
export const NOT_EXECUTED: NodeJS.Signals = "SIGSTKFLT";
/** In the words of dash and BusyBox, or else of bash; where neither is understood the command runs all the same. */
const SCRIPT = 'ulimit -w "$0" 2>/dev/null || ulimit -x "$0" 2>/dev/null; trap "kill -16 $$" EXIT; exec "$@"';

/** The limit that marks the processes of `name=value`. */
export function limitOf(name: string, value: string): string {
  const digest = createHash("sha256").update(`${name}=${value}`).digest("hex");
  return String(BASE + BigInt(`0x${digest.slice(0, 15)}`));
}

/**
 * The words of a command that becomes, by `exec`, the given one with the mark; the same where there are no such marks. One
 * that cannot be executed after all is ended by `NOT_EXECUTED`.
 */
export function withMark(name: string, value: string, command: readonly string[]): string[] {
  return process.platform === "linux" ? ["/bin/sh", "-c", SCRIPT, limitOf(name, value), ...command] : [...command];
}

/** The limit of a process, or undefined where it has none. Throws what the file system throws. */
export function readLimit(pid: number): string | undefined {
  return LINE.exec(readFileSync(`/proc/${pid}/limits`, "latin1"))?.[1];
}
