import { chmodSync, closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LogSync } from "./log-sync.ts";
import { migrate } from "./schema.ts";
import { guarded, isBusy, STORE_FILE } from "./store-errors.ts";

/** An open file, and the only ways to touch it. */
export type Database = {
  prepare(sql: string): StatementSync;
  /** Runs reads. Throws RetryableError `platform.store_unavailable`. */
  read<T>(work: () => T): T;
  /**
   * Runs `work` as one transaction: all of it is stored, or nothing. It survives a crash of the process at once, and a power
   * cut once `synced`. Throws what `work` throws, and as `read` does.
   */
  write<T>(work: () => T): T;
  /** Resolves once all that is stored by now survives a power cut. Throws as `read` does. */
  synced(): Promise<void>;
  close(): void;
};

/**
 * Opens `tasks.sqlite` in the folder, which is made (mode 0700) when it is missing, and brings it to the current schema.
 * Calls wait `busyTimeoutMs` while another process writes. Throws RetryableError `platform.store_unavailable`, or
 * RefusedError when the file is from a newer version.
 */
export function openDatabase(folder: string, busyTimeoutMs: number): Database {
  return guarded(folder, () => {
    const path = makeFile(folder);
    const file = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false });
    try {
      // Turning WAL on does not wait for another process that is doing the same, whatever the timeout says.
      retryWhileBusy(busyTimeoutMs, () => file.exec("PRAGMA journal_mode = WAL"));
      retryWhileBusy(busyTimeoutMs, () => migrate(file));
      // Whoever needs more than this waits for it, and nobody else: https://www.sqlite.org/pragma.html#pragma_synchronous
      file.exec("PRAGMA synchronous = NORMAL");
      return wrap(folder, file, new LogSync(path));
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** SQLite gives `-wal` and `-shm` the mode of the main file, so that one is made first. */
function makeFile(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, STORE_FILE);
  closeSync(openSync(path, "a", 0o600));
  if ((statSync(path).mode & 0o777) !== 0o600) chmodSync(path, 0o600);
  return path;
}

function wrap(folder: string, file: DatabaseSync, log: LogSync): Database {
  const begin = file.prepare("BEGIN IMMEDIATE");
  const commit = file.prepare("COMMIT");
  const rollback = file.prepare("ROLLBACK");
  const transaction = <T>(work: () => T): T => {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      undo();
      throw error;
    }
  };
  /** Never hides the error that led here; SQLite has often rolled back already. */
  const undo = () => {
    try {
      if (file.isTransaction) rollback.run();
    } catch {}
  };
  return {
    prepare: (sql) => file.prepare(sql),
    read: (work) => guarded(folder, work),
    write: (work) => guarded(folder, () => transaction(work)),
    synced: () =>
      log.synced().catch((error) =>
        guarded(folder, () => {
          throw error;
        }),
      ),
    close: () => {
      log.close();
      if (file.isOpen) file.close();
    },
  };
}

function retryWhileBusy(timeoutMs: number, work: () => void): void {
  const until = Date.now() + timeoutMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
