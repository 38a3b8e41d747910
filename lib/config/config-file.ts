import { lstatSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { BackendDescription } from "../backends/description.ts";
import { type Configuration, stateDirSchema } from "../contract/configuration.ts";
import { describeIssue, InvalidInputError, type Issue, RefusedError } from "../contract/errors.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import type { Logger } from "../contract/logger.ts";
import { withBuiltIns } from "./built-in.ts";
import { findSyntaxIssue, parseCommentedJson } from "./json-syntax.ts";
import { parseConfiguration } from "./parse-configuration.ts";
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
/** With the adapters that are registered where it is to be used. */
export type ConfigurationSource = ConfigurationPlace & { adapters: readonly BackendDescription[] };

/** A configuration with all its paths absolute. `file` is absent when there is none and the built-in one is used. */
export type LoadedConfiguration = { configuration: Configuration; file?: string; stateDir: string; baseDir: string };

type Checking = { adapters: readonly BackendDescription[]; baseDir: string; others?: readonly Issue[] };

/** The file cannot be used. The message names it and every issue; the details hold both as data. */
export class ConfigurationError extends RefusedError {
  constructor(file: string, issues: readonly Issue[], cause?: unknown) {
    const lines = issues.map((issue) => `\n  ${describeIssue(issue)}`).join("");
    super("configuration.invalid", `${file} cannot be used:${lines}`, { details: { file, issues }, cause });
  }
}

/**
 * Reads the configuration: the file that `configFile` or AGENTDISPATCH_CONFIG names, else `agentdispatch.config.json` in
 * `cwd` if it is there, else with `ownFile` the one in the state folder, else the built-in one. Throws ConfigurationError
 * with all issues.
 */
export function loadConfiguration(source: ConfigurationSource): LoadedConfiguration {
  const { path, named } = locate(source);
  return interpretText(source, path, readText(path, named));
}

/**
 * Where the state is, and the file that says so, whatever else that file says: a system that runs is found beside a bad edit
 * of it. Throws ConfigurationError when the file cannot be read, or is not JSON.
 */
export function locateState(place: ConfigurationPlace): Pick<LoadedConfiguration, "stateDir" | "file"> {
  const { path, named } = locate(place);
  const text = readText(path, named);
  const said = text === undefined ? undefined : stateDirSchema.parse(parseJson(path, text)).stateDir;
  return { stateDir: stateDirOf(place, dirname(path), said), ...(text !== undefined && { file: path }) };
}

/** The same file as it was written, unchecked; `{}` without one. Throws ConfigurationError when it is not JSON. */
export function readConfiguration(source: ConfigurationPlace): { path: string; input: unknown } {
  const { path, named } = locate(source);
  const text = readText(path, named);
  return { path, input: text === undefined ? {} : parseJson(path, text) };
}

/** Checks a configuration. Throws ConfigurationError with its issues and the `others` that are known already. */
export function checkedConfiguration(
  path: string,
  input: unknown,
  { adapters, baseDir, others = [] }: Checking,
): Configuration {
  try {
    const configuration = parseConfiguration(input, adapters, baseDir);
    if (others.length > 0) throw new InvalidInputError([]);
    return configuration;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    // What is known already says more.
    const found = error.issues.filter((issue) => !others.some((other) => other.path === issue.path));
    throw new ConfigurationError(path, [...found, ...others], error);
  }
}

/**
 * The configuration as it stands now. It is read again when the file changes; a bad edit, or a file that has gone, keeps
 * the last good one and logs a warning with all issues. Does not keep the process alive.
 *
 * @example
 * using watched = watchConfiguration({ cwd: process.cwd() }, log);
 * const ports = { configuration: watched.current };
 */
export function watchConfiguration(source: ConfigurationSource, log: Pick<Logger, "info" | "warn">) {
  let { path, named } = locate(source);
  let seen = fingerprint(path);
  let text = readText(path, named);
  const loaded = interpretText(source, path, text);
  let { configuration } = loaded;

  const refresh = () => {
    // The first that comes is the file from then on.
    if (text === undefined) ({ path, named } = locate(source));
    const now = fingerprint(path);
    // Two edits can share one time stamp, so a file just written is compared by its text.
    if (now.id === seen.id && Math.abs(Date.now() - now.mtimeMs) > 2000) return;
    seen = now;
    try {
      const next = readText(path, named || text !== undefined);
      if (next === text) return;
      text = next;
      const fresh = interpretText(source, path, text);
      configuration = fresh.configuration;
      log.info("the configuration was read again", { file: path });
      if (fresh.stateDir !== loaded.stateDir)
        log.warn("stateDir has changed; the new one is used from the next start", { file: path });
    } catch (error) {
      const details = error instanceof ConfigurationError ? error.details : { file: path, error: String(error) };
      log.warn("the configuration has issues; the last good one stays in force", details);
    }
  };
  // An issue is told even while nobody asks for the configuration.
  const timer = setInterval(refresh, 1000).unref();
  return {
    loaded,
    /** The file that is in force, or would be if it were there. */
    file: (): string => {
      refresh();
      return path;
    },
    current: (): Configuration => {
      refresh();
      return configuration;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function locate(place: ConfigurationPlace): { path: string; named: boolean } {
  const { configFile, cwd, env = process.env, ownFile } = place;
  const named = configFile || env[environmentVariables.configFile];
  const path = resolve(cwd, named || CONFIG_FILE);
  const isOwn = ownFile && !named && lstatSync(path, { throwIfNoEntry: false }) === undefined;
  return { path: isOwn ? join(stateDirOf(place, cwd, undefined), CONFIG_FILE) : path, named: Boolean(named) };
}

function fingerprint(path: string): { id: string; mtimeMs: number } {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return { id: `${ino}:${size}:${mtimeMs}`, mtimeMs };
  } catch {
    return { id: "", mtimeMs: 0 };
  }
}

/** The text of the file; undefined when it is not there and need not be. Throws ConfigurationError. */
export function readText(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    // Nor is there one where what should be its folder is none.
    if (/^(ENOENT|ENOTDIR)$/.test(code) && !required) return undefined;
    const reason = { ENOENT: "there is no such file", EISDIR: "it is a folder" }[code];
    throw new ConfigurationError(path, [{ path: "", message: reason ?? `it cannot be read (${code})` }], error);
  }
}

/** What the text of that file says; undefined where it is not there. Throws ConfigurationError with all issues. */
export function interpretText(
  source: ConfigurationSource,
  path: string,
  text: string | undefined,
): LoadedConfiguration {
  const { adapters } = source;
  const baseDir = text === undefined ? resolve(source.cwd) : dirname(path);
  const input = withBuiltIns(adapters, text === undefined ? {} : parseJson(path, text));
  const configuration = checkedConfiguration(path, input, { adapters, baseDir });
  const stateDir = stateDirOf(source, baseDir, configuration.stateDir);
  return { configuration, stateDir, baseDir, ...(text !== undefined && { file: path }) };
}

/** The caller's, else the environment's, else what the file says, else where this platform keeps a user's data. */
function stateDirOf(place: ConfigurationPlace, baseDir: string, said: string | undefined): string {
  const { cwd, env = process.env, platform = process.platform, stateDir } = place;
  if (stateDir !== undefined) return resolve(cwd, stateDir);
  const inEnvironment = env[environmentVariables.stateDir];
  if (inEnvironment) return resolve(cwd, inEnvironment);
  return said ? resolve(baseDir, said) : userDataDir(env, platform);
}

function parseJson(path: string, text: string): unknown {
  const issue = findSyntaxIssue(text);
  if (!issue) return parseCommentedJson(text);
  const { line, column, message } = issue;
  throw new ConfigurationError(path, [{ path: `${path}:${line}:${column}`, message: `not JSON: ${message}` }]);
}
