import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** The files of one worker session; they outlive the control plane, so that it finds its workers again. */
export function sessionFolder(root: string, sessionId: string) {
  if (!/^[a-z0-9-]{8,64}$/.test(sessionId)) throw new Error("not a session id");
  const path = join(root, sessionId);
  return {
    path,
    /** Where the worker listens: no other user can enter the folder, so nobody else can take its place. */
    socketFile: join(path, "worker.sock"),
    addressFile: join(path, "address.json"),
    logFile: join(path, "worker.log"),
    workspace: join(path, "workspace"),
    artifacts: join(path, "artifacts"),
    temporary: join(path, "tmp"),
    /** Shared by all sessions. */
    compileCache: join(root, "..", "compile-cache"),
    exists: () => existsSync(path),

    /** Makes the folder, which only this user can enter. */
    async create(): Promise<void> {
      await mkdir(join(path, "tmp"), { recursive: true, mode: 0o700 });
    },
    /** The last lines that the worker itself printed, for the reason of a failed start. */
    async readLogTail(): Promise<string> {
      const bytes = await readFile(join(path, "worker.log")).catch(() => Buffer.alloc(0));
      return bytes.subarray(-2000).toString("utf8").trim();
    },
    openLog: () => open(join(path, "worker.log"), "a", 0o600),
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
export type SessionFolder = ReturnType<typeof sessionFolder>;

/** Ids of all sessions that have a folder. */
export async function listSessions(root: string): Promise<string[]> {
  return readdir(root).catch(() => []);
}
