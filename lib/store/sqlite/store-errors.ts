import { join } from "node:path";
import { DispatchError, RetryableError } from "../../contract/errors.ts";

/** Name of the file in the state folder. */
export const STORE_FILE = "tasks.sqlite";

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE = {
  permission: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** Runs `work`; what SQLite or the file system throws becomes RetryableError `platform.store_unavailable`. */
export function guarded<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DispatchError || !(error instanceof Error)) throw error;
    const cause = explain(error, folder);
    if (!cause) throw error;
    throw new RetryableError("platform.store_unavailable", `the task store cannot be used: ${cause.what}`, {
      hint: cause.hint,
      cause: error,
    });
  }
}

/** Whether another process was writing for too long. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === SQLITE.busy;
}

type Cause = { what: string; hint: string };

/** What is wrong, and what a person can do; undefined when the error is neither SQLite's nor the file system's. */
function explain(error: Error & { code?: unknown; errcode?: unknown }, folder: string): Cause | undefined {
  const file = join(folder, STORE_FILE);
  const full = { what: `the disk that holds ${folder} is full`, hint: `free space for ${folder}, then try again` };
  const unwritable = {
    what: `${folder} cannot be written`,
    hint: `make ${folder} and the files in it writable for this user, or choose another state folder`,
  };
  if ("syscall" in error) {
    if (error.code === "ENOSPC" || error.code === "EDQUOT") return full;
    return { ...unwritable, what: `${unwritable.what} (${error.code})` };
  }
  if (error.code === "ERR_INVALID_STATE") return { what: "it is closed", hint: "start the local system again" };
  if (typeof error.errcode !== "number") return undefined;
  switch (error.errcode & 0xff) {
    case SQLITE.full:
      return full;
    case SQLITE.permission:
    case SQLITE.readOnly:
    case SQLITE.cannotOpen:
      return unwritable;
    case SQLITE.ioError:
      return {
        what: `the disk refused to read or write ${file}`,
        hint: `check free space, quota and health of the disk that holds ${folder}, then try again`,
      };
    case SQLITE.busy:
    case SQLITE.locked:
      return { what: "another process has been writing for too long", hint: "try again" };
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return {
        what: `${file} is damaged`,
        hint: `stop every process that uses it; put back a copy, or move it and its -wal and -shm files away to begin anew`,
      };
    default:
      return { what: error.message, hint: "try again; if it stays so, stop every process that uses the store" };
  }
}
