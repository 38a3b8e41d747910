import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * Takes a file as a lock, until `release` or the death of this process: it is the operating system's. undefined while
 * another has it. Throws what SQLite does where the file cannot be used.
 */
export function tryLock(path: string): { release(): void } | undefined {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path);
    chmodSync(path, 0o600);
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  const held = lock;
  return { release: () => held.close() };
}

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html */
const BUSY = 5;
const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY;
