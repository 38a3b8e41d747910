import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { parse as parseJsonWithComments } from "jsonc-parser";
import { codeOf, RefusedError } from "../../../../lib/contract/errors.ts";
import { isObject, type JsonObject } from "../../../../lib/contract/json.ts";
import { copyLonger } from "../growing-files.ts";
import { mergeSettings } from "../merge-settings.ts";
import type { AgentRun, SessionFile } from "../program.ts";

/** The name that a project of ours has among a person's; its sessions are in one folder, wherever their tasks ran. */
const PROJECT = "agentdispatch";
/** Of a run's own: all else there is the person's. */
const OWN = ["settings.json", "tmp", "history", "projects.json", "trustedFolders.json"];

type Environment = AgentRun["env"];

const personal = (env: Environment): string => join(env.GEMINI_CLI_HOME || env.HOME || homedir(), ".gemini");
export const sessionsFolder = (env: Environment): string => join(personal(env), "tmp", PROJECT, "chats");

/**
 * Makes the home that gemini is given for one run, as `GEMINI_CLI_HOME`, and answers with its path. It is the person's own,
 * login and extensions included, with other settings: neither an option nor a variable stands for those that we need, and
 * files for the whole machine count only where they are root's.
 */
export async function makeHome(run: AgentRun, own: JsonObject): Promise<string> {
  const home = join(run.scratch, "home");
  const folder = join(home, ".gemini");
  const theirs = personal(run.env);
  const sessions = sessionsFolder(run.env);
  await mkdir(join(folder, "tmp", PROJECT), { recursive: true, mode: 0o700 });
  await mkdir(sessions, { recursive: true, mode: 0o700 });
  for (const name of await readdir(theirs))
    if (!OWN.includes(name)) await symlink(join(theirs, name), join(folder, name));
  const workspace = await realpath(run.workspace);
  await symlink(sessions, join(folder, "tmp", PROJECT, "chats"));
  await writeFile(join(folder, "tmp", PROJECT, ".project_root"), workspace);
  await writeFile(join(folder, "projects.json"), JSON.stringify({ projects: { [workspace]: PROJECT } }));
  // Where a workspace is not trusted, a key is looked for here alone.
  const variables = [join(theirs, ".env"), join(theirs, "..", ".env")].find((file) => existsSync(file));
  if (variables !== undefined) await symlink(variables, join(home, ".env"));
  const settings = mergeSettings(await readSettings(join(theirs, "settings.json")), own, "mcpServers");
  await writeFile(join(folder, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
  return home;
}

/** The files of a session, by the first part of its id, which their names end with. */
export async function sessionFiles(env: Environment, id: string): Promise<SessionFile[]> {
  const folder = sessionsFolder(env);
  const names = await readdir(folder).catch(() => []);
  const end = `-${id.slice(0, 8)}.jsonl`;
  return names.filter((name) => name.endsWith(end)).map((name) => ({ path: join(folder, name), name }));
}

/** Puts a session's files where gemini finds them. */
export async function restoreSession(env: Environment, files: readonly SessionFile[]): Promise<void> {
  for (const { path, name } of files) await copyLonger(path, join(sessionsFolder(env), basename(name)));
}

async function readSettings(path: string): Promise<JsonObject> {
  try {
    const settings: unknown = parseJsonWithComments(await readFile(path, "utf8"));
    return isObject(settings) ? settings : {};
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return {};
    throw new RefusedError("task.not_started", "gemini's settings cannot be read", { cause });
  }
}
