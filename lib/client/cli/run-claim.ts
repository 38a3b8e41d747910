import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileIn = (stateDir: string): string => join(stateDir, "run.pid");

/** Notes that the system of this process lives only as long as one run, so that other runs at it take it over. */
export function claimForRun(stateDir: string): void {
  writeFileSync(fileIn(stateDir), String(process.pid), { mode: 0o600 });
}

/** Whether the system of that process lives only as long as one run. */
export function isClaimedForRun(stateDir: string, pid: number): boolean {
  try {
    return readFileSync(fileIn(stateDir), "utf8") === String(pid);
  } catch {
    return false;
  }
}
