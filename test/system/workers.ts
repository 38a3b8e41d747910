import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A worker process of a local system, as its folder tells. */
export type WorkerProcess = { id: string; folder: string; pid: number; sessions: string[] };

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** The worker that serves a session. */
export const workerIdOf = (stateDir: string, session: string): string =>
  readlinkSync(join(stateDir, "sessions", session, "worker"));

/** Ids of the sessions that a worker serves, or is to serve. */
export const sessionsOf = (stateDir: string, workerId: string): string[] =>
  namesIn(join(stateDir, "sessions")).filter((session) => {
    try {
      return workerIdOf(stateDir, session) === workerId;
    } catch {
      return false; // gone meanwhile
    }
  });

/** Every worker that listens, or has. */
export function workersOf(stateDir: string): WorkerProcess[] {
  const root = join(stateDir, "workers");
  return namesIn(root).flatMap((id) => {
    const folder = join(root, id);
    try {
      const { pid } = JSON.parse(readFileSync(join(folder, "address.json"), "utf8")) as { pid: number };
      return [{ id, folder, pid, sessions: sessionsOf(stateDir, id) }];
    } catch {
      return []; // on its way, or gone meanwhile
    }
  });
}

/** The worker that serves the session of a task. */
export function workerOf(stateDir: string, record: Record<string, unknown>): WorkerProcess {
  const { sessionId } = record.providerRefs as { sessionId: string };
  const id = workerIdOf(stateDir, sessionId);
  const worker = workersOf(stateDir).find((each) => each.id === id);
  if (!worker) throw new Error(`no worker ${id}`);
  return worker;
}
