import { lstatSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describeIssue, type Issue, RefusedError } from "../contract/errors.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import { isObject } from "../contract/json.ts";
import { findSyntaxIssue, parseCommentedJson } from "./json-syntax.ts";
import { userDataDir } from "./user-data-dir.ts";

const CONFIG_FILE = "agentdispatch.config.json";

export type ConfigurationPlace = {
  /** Overrides the environment; relative to `cwd`. */
  configFile?: string;
  cwd: string;
  /** Where the state is, when it is said elsewhere than in a file or the environment. */
  stateDir?: string;
  /** Whether a file in the state folder counts where there is no other: it is the person's own, wherever they are. */
  ownFile?: boolean;
  /** Default: the environment of this process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: the platform of this process. */
  platform?: NodeJS.Platform;
};

/** The file cannot be used. The message names it and every issue; the details hold both as data. */
export class ConfigurationError extends RefusedError {
  constructor(file: string, issues: readonly Issue[], cause?: unknown) {
    const lines = issues.map((issue) => `\n  ${describeIssue(issue)}`).join("");
    super("configuration.invalid", `${file} cannot be used:${lines}`, { details: { file, issues }, cause });
  }
}

/**
 * Where the state is, and the file that says so, whatever else that file says: a system that runs is found beside a bad edit
 * of it. Throws ConfigurationError when the file cannot be read, or is not JSON.
 */
export function locateState(place: ConfigurationPlace): { stateDir: string; file?: string } {
  const { path, named } = locate(place);
  const text = readText(path, named);
  const said = text === undefined ? undefined : saidStateDir(parseJson(path, text));
  return { stateDir: stateDirOf(place, dirname(path), said), ...(text !== undefined && { file: path }) };
}

/** Without the schema of the whole file, which whoever looks for a system would have to load. */
const saidStateDir = (input: unknown): string | undefined =>
  isObject(input) && typeof input.stateDir === "string" ? input.stateDir : undefined;

/** The file that counts, and whether somebody named it. */
export function locate(place: ConfigurationPlace): { path: string; named: boolean } {
  const { configFile, cwd, env = process.env, ownFile } = place;
  const named = configFile || env[environmentVariables.configFile];
  const path = resolve(cwd, named || CONFIG_FILE);
  const isOwn = ownFile && !named && lstatSync(path, { throwIfNoEntry: false }) === undefined;
  return { path: isOwn ? join(stateDirOf(place, cwd, undefined), CONFIG_FILE) : path, named: Boolean(named) };
}

/** Whoever edits the file would write back what it did not read. */
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The text of the file; undefined when it is not there and need not be. Throws ConfigurationError. */
export function readText(path: string, required: boolean): string | undefined {
  try {
    return utf8.decode(readFileSync(path));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    // Nor is there one where what should be its folder is none.
    if (/^(ENOENT|ENOTDIR)$/.test(code) && !required) return undefined;
    const reason = {
      ENOENT: "there is no such file",
      EISDIR: "it is a folder",
      ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8: save it as that",
    }[code];
    throw new ConfigurationError(path, [{ path: "", message: reason ?? `it cannot be read (${code})` }], error);
  }
}

/** The caller's, else the environment's, else what the file says, else where this platform keeps a user's data. */
export function stateDirOf(place: ConfigurationPlace, baseDir: string, said: string | undefined): string {
  const { cwd, env = process.env, platform = process.platform, stateDir } = place;
  if (stateDir !== undefined) return resolve(cwd, stateDir);
  const inEnvironment = env[environmentVariables.stateDir];
  if (inEnvironment) return resolve(cwd, inEnvironment);
  return said ? resolve(baseDir, said) : userDataDir(env, platform);
}

/** What the text of that file says, unchecked. Throws ConfigurationError. */
export function parseJson(path: string, text: string): unknown {
  const issue = findSyntaxIssue(text);
  if (!issue) return parseCommentedJson(text);
  const { line, column, message } = issue;
  throw new ConfigurationError(path, [{ path: `${path}:${line}:${column}`, message: `not JSON: ${message}` }]);
}
