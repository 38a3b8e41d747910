import { mkdirSync, readlinkSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sessionIdSchema } from "../../contract/worker-sessions.ts";
import { isWorkerId } from "./worker-folder.ts";

/** The files of one session; they outlive the control plane, so that it finds its sessions again. */
export function sessionFolder(root: string, sessionId: string) {
  if (!sessionIdSchema.safeParse(sessionId).success) throw new Error("not a session id");
  const path = join(root, sessionId);
  const link = join(path, "worker");
  return {
    path,
    workspace: join(path, "workspace"),
    artifacts: join(path, "artifacts"),
    temporary: join(path, "tmp"),
    /**
     * Makes the folder, which only this user can enter, and notes there which worker serves the session. Three calls of the
     * system, which take less time than to be waited for.
     */
    create(workerId: string): void {
      mkdirSync(join(path, "tmp"), { recursive: true, mode: 0o700 });
      rmSync(link, { force: true });
      symlinkSync(workerId, link);
    },
    /** The worker that was noted; undefined where none was, or the job has removed the folder or changed the note. */
    workerId(): string | undefined {
      try {
        const noted = readlinkSync(link);
        return isWorkerId(noted) ? noted : undefined;
      } catch {
        return undefined;
      }
    },
    async remove(): Promise<void> {
      try {
        // Most jobs leave nothing there, and to look for it takes much longer.
        for (const name of ["artifacts", "workspace", "tmp"]) rmdirSync(join(path, name));
        unlinkSync(link);
        rmdirSync(path);
      } catch {
        await rm(path, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  };
}
export type SessionFolder = ReturnType<typeof sessionFolder>;

/** The names of the folders below one, such as the ids of all sessions. */
export async function listFolders(root: string): Promise<string[]> {
  return readdir(root).catch(() => []);
}
