import { existsSync } from "node:fs";
import { copyFile, mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RefusedError } from "../../../../lib/contract/errors.ts";
import { invalidInput } from "../../../parse.ts";
import type { AgentRun, SessionFile } from "../program.ts";

/** What was written last is in a file beside it. */
const FILES = ["", "-wal"];
/** What is beside a database belongs to it alone: with another it would destroy it. */
const BESIDE = ["-wal", "-shm", "-journal"];

const folderOf = (env: AgentRun["env"]): string =>
  join(env.XDG_DATA_HOME || join(env.HOME || homedir(), ".local/share"), "opencode", "agentdispatch");

/** What we call a session: opencode's own id, and the database that it is in. Throws InvalidInputError for any other text. */
export function sessionOf(id: string): { session: string; database: string } {
  const { session = "", database = "" } =
    /^(?<session>ses_[A-Za-z0-9]{1,100})@(?<database>task_[0-9a-f]{32}\.db)$/.exec(id)?.groups ?? {};
  if (session === "") throw invalidInput("conversation.session.id", "is no session of opencode");
  return { session, database };
}

/** The database of a turn. A conversation has one of its own, named for its first task, so that it can be moved elsewhere. */
export const databaseName = ({ task, resume }: AgentRun): string =>
  resume === undefined ? `${task.taskId}.db` : sessionOf(resume).database;

/**
 * Makes the folder of the database, and answers with the database's path. A session is moved to this turn's workspace, since
 * opencode waits for ever for one that it began in another folder.
 */
export async function prepareDatabase(run: AgentRun): Promise<string> {
  const folder = folderOf(run.env);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, databaseName(run));
  if (run.resume === undefined || !existsSync(path)) return path;
  const workspace = await realpath(run.workspace);
  try {
    const database = new DatabaseSync(path);
    try {
      database.prepare("UPDATE session SET directory = ?").run(workspace);
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new RefusedError("task.not_started", "the session of opencode could not be opened to go on with it", {
      cause,
    });
  }
  return path;
}

/** The files of a session that are there. */
export async function databaseFiles(env: AgentRun["env"], id: string): Promise<SessionFile[]> {
  const path = join(folderOf(env), sessionOf(id).database);
  const files: SessionFile[] = [];
  for (const file of FILES.map((end) => path + end))
    if (await stat(file).catch(() => undefined)) files.push({ path: file, name: basename(file) });
  return files;
}

/** Puts a session's files where the next turn finds them, all of them in place of all that are there. */
export async function restoreDatabase(env: AgentRun["env"], id: string, files: readonly SessionFile[]): Promise<void> {
  const { database } = sessionOf(id);
  const folder = folderOf(env);
  const ours = FILES.flatMap((end) => files.filter(({ name }) => name === database + end));
  if (ours[0]?.name !== database) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path, name } of ours) await copyFile(path, join(folder, `${name}.new`));
  for (const end of ["", ...BESIDE]) await rm(join(folder, database + end), { force: true });
  // The database is the last: without it none of the others counts.
  for (const { name } of ours.reverse()) await rename(join(folder, `${name}.new`), join(folder, name));
}
