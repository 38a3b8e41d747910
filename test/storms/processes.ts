import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";

/** A worker has an id, and a process of a job has its session. */
export type StormProcess = { pid: number; workerId?: string; session?: string };

/** Every process that belongs to a state folder, other than the system itself: workers, and what their jobs started. */
export function processesOf(stateDir: string, systemPid: number | undefined): StormProcess[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === systemPid || pid === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (!environment.includes(stateDir)) return [];
      const { [environmentVariables.sessionMarker]: session, [environmentVariables.workerSocket]: socket } =
        Object.fromEntries(environment.split("\0").map((entry) => entry.split(/=(.*)/s, 2))) as Record<string, string>;
      if (session !== undefined) return [{ pid, session }];
      return socket === undefined ? [{ pid }] : [{ pid, workerId: basename(dirname(socket)) }];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** Sends a signal; whoever is gone already needs none. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
