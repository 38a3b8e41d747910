import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";

/** Every worker and every process of a session in a state below this folder, told by its environment. */
export function processesOf(folder: string): number[] {
  const session = new RegExp(`\\0TMPDIR=${folder}/\\S*(sessions|workers)/`);
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return session.test(`\0${readFileSync(`/proc/${name}/environ`, "utf8")}`) ? [Number(name)] : [];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** Every other process that names this folder in its command line or its environment. */
export function runningIn(folder: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const told = readFileSync(`/proc/${name}/cmdline`, "utf8") + readFileSync(`/proc/${name}/environ`, "utf8");
      return told.includes(folder) ? [Number(name)] : [];
    } catch {
      return []; // gone meanwhile, or somebody else's
    }
  });
}

/** Kills them, for a test that has failed midway. */
export function endAllOf(folder: string): void {
  for (const pid of runningIn(folder)) process.kill(pid, "SIGKILL");
}

/** What a system that has ended left behind: processes, folders of sessions, and tasks that are not settled. */
export async function leftBehind(
  stateDir: string,
): Promise<{ processes: number[]; sessions: string[]; open: string[] }> {
  const store = openTaskStore(stateDir);
  try {
    const open = await store.listDue(Number.MAX_SAFE_INTEGER, 100);
    const folder = join(stateDir, "sessions");
    return { processes: processesOf(stateDir), sessions: existsSync(folder) ? readdirSync(folder) : [], open };
  } finally {
    store.close();
  }
}

export const nothing = { processes: [], sessions: [], open: [] };
