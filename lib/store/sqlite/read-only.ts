import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { type Database, openDatabase } from "./database.ts";
import { isCurrent } from "./schema.ts";
import { guarded, STORE_FILE } from "./store-errors.ts";

/** Milliseconds for which a read waits while another process writes. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * The store of a folder for reads alone: nothing in the folder is made or changed, which may be on a file system that takes
 * no writes, or be that of a process that was killed. Undefined where there is no store. Throws RetryableError
 * `platform.store_unavailable`, and RefusedError `platform.newer_version`.
 */
export function readDatabase(folder: string): Database | undefined {
  return guarded(folder, () => {
    if (!existsSync(join(folder, STORE_FILE))) return undefined;
    const file = openInPlace(join(folder, STORE_FILE));
    if (!file) return openCopy(folder);
    try {
      if (isCurrent(file)) return forReads(folder, file);
      file.close();
      return openCopy(folder);
    } catch (error) {
      if (file.isOpen) file.close();
      throw error;
    }
  });
}

/**
 * The file as it lies there. Without a log of its writes it is whole, and without one nobody writes it; its log is read by the
 * index that lies beside it, which SQLite takes as it is when it may not write it (https://www.sqlite.org/wal.html#readonly).
 * Undefined for a log without an index: that would have to be made.
 */
function openInPlace(path: string): DatabaseSync | undefined {
  const isWhole = !existsSync(`${path}-wal`);
  if (!isWhole && !existsSync(`${path}-shm`)) return undefined;
  const address = pathToFileURL(path);
  address.search = isWhole ? "mode=ro&immutable=1" : "mode=ro&readonly_shm=1";
  return new DatabaseSync(address, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}

/** A copy in a folder of this user alone, brought to the current schema, and gone from there as soon as it is open. */
function openCopy(folder: string): Database {
  const place = mkdtempSync(join(tmpdir(), "agent-dispatch-reading-"));
  try {
    for (const name of [STORE_FILE, `${STORE_FILE}-wal`])
      if (existsSync(join(folder, name)))
        copyFileSync(join(folder, name), join(place, name), constants.COPYFILE_FICLONE);
    return openDatabase(place, BUSY_TIMEOUT_MS);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const forReads = (folder: string, file: DatabaseSync): Database => ({
  prepare: (sql) => file.prepare(sql),
  read: (work) => guarded(folder, work),
  // SQLite refuses what would change anything.
  write: (work) => guarded(folder, work),
  synced: async () => {},
  close: () => {
    if (file.isOpen) file.close();
  },
});
