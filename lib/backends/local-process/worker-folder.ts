import { readFileSync } from "node:fs";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { RetryableError } from "../../contract/errors.ts";

const addressSchema = z.object({ pid: z.int().positive() });

/** An id of 16 digits, half of which say the build (8) so that nothing has to be read to tell it; the rest is random (8). */
export const workerIdOf = (build: string, random: string): string => `worker-${build}${random}`;
export const isOfBuild = (workerId: string, build: string): boolean => workerId.startsWith(workerIdOf(build, ""));

/** Folders are removed by their names, so a name that a job could have written is none but that of a worker. */
export const isWorkerId = (name: string): boolean => /^worker-[0-9a-f]{16}$/.test(name);

/** The files of one worker process; they outlive the control plane, so that it finds its workers again. */
export function workerFolder(root: string, workerId: string) {
  const path = join(root, workerId);
  return {
    path,
    /** Where the worker listens: no other user can enter the folder, so nobody else can take its place. */
    socketFile: join(path, "worker.sock"),
    addressFile: join(path, "address.json"),
    temporary: join(path, "tmp"),
    /** Shared by all workers. */
    compileCache: join(root, "..", "compile-cache"),

    /** Makes the folder, which only this user can enter. */
    async create(): Promise<void> {
      await mkdir(join(path, "tmp"), { recursive: true, mode: 0o700 });
    },
    /** The process that listens, or did; undefined before it has, and where nobody can tell any more. */
    readPid(): number | undefined {
      try {
        return addressSchema.parse(JSON.parse(readFileSync(join(path, "address.json"), "utf8"))).pid;
      } catch {
        return undefined;
      }
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
export type WorkerFolder = ReturnType<typeof workerFolder>;

/** Why the folder of a session or a worker could not be made, and what helps. */
export const noFolder = (whose: "session" | "worker", cause: unknown): RetryableError =>
  new RetryableError("worker.did_not_start", `the ${whose}'s folder cannot be made: ${(cause as Error).message}`, {
    hint: "free some space in the state folder, or mend its permissions",
    cause,
  });
