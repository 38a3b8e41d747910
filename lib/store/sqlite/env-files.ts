import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const ORPHAN_MS = 3_600_000;

/** Values of environment variables, by task. */
export type EnvFiles = {
  /** Keeps them, also over a power cut. */
  put(taskId: string, env: Record<string, string>): void;
  get(taskId: string): Record<string, string> | undefined;
  remove(taskId: string): void;
  /** Removes those that no task waits for. */
  sweep(isNeeded: (taskId: string) => boolean | undefined, nowMs: number): void;
};

/**
 * The values of environment variables of tasks that have not started: a file each, readable by this user alone, that is
 * removed at the start. They never go into SQLite, whose write-ahead log keeps for a while what was erased.
 * Throws errors of the file system.
 */
export function envFiles(folder: string): EnvFiles {
  const root = join(folder, "env");
  const pathOf = (taskId: string) => join(root, `${taskId}.json`);
  return {
    put(taskId, env) {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      const path = pathOf(taskId);
      const temporary = `${path}.${process.pid}`;
      const file = openSync(temporary, "w", 0o600);
      try {
        writeSync(file, JSON.stringify(env));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      syncFolder(root);
    },

    get(taskId) {
      try {
        return JSON.parse(readFileSync(pathOf(taskId), "utf8"));
      } catch (error) {
        if (error instanceof SyntaxError || isMissing(error)) return undefined;
        throw error;
      }
    },

    remove(taskId) {
      rmSync(pathOf(taskId), { force: true });
    },

    sweep(isNeeded, nowMs) {
      for (const name of filesIn(root)) {
        const path = join(root, name);
        // One that no task is known of may belong to a task that is being made just now.
        const needed = isNeeded(name.replace(/\.json.*$/, "")) ?? nowMs - statSync(path).mtimeMs < ORPHAN_MS;
        if (!needed) rmSync(path, { force: true });
      }
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
