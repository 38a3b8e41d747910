import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Brings the write-ahead log of a SQLite file to disk. In WAL mode a commit is a part of that log until a checkpoint, which
 * syncs it first (https://www.sqlite.org/wal.html#performance_considerations), so a commit survives a power cut once the log
 * was synced after it. SQLite would do that in every commit and hold up the whole process; here those who come while one
 * sync is under way share the next.
 */
export class LogSync {
  readonly #file: string;
  #log: Promise<FileHandle> | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `file` is the database, which has been read: its log is there from then until the last connection is closed. */
  constructor(file: string) {
    this.#file = file;
    // Ahead of its use, when there may be no descriptor left.
    this.#log = openLog(file);
    this.#log.catch(() => {});
  }

  /** Resolves once all that is in the log by now is on disk. Rejects with the system's error. */
  synced(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  close(): void {
    this.#log?.then((log) => log.close()).catch(() => {});
    this.#log = undefined;
  }

  #start(): Promise<void> {
    this.#running = this.#sync().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sync(): Promise<void> {
    this.#log ??= openLog(this.#file);
    try {
      await (await this.#log).datasync();
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

/** The log, whose name is on disk as well. */
async function openLog(file: string): Promise<FileHandle> {
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return open(`${file}-wal`, "r+");
}
