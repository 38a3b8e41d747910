import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { BackendDescription } from "../backends/description.ts";
import type { Configuration } from "../contract/configuration.ts";
import { warmCosts } from "../contract/costs/warm.ts";
import { InvalidInputError, type Issue } from "../contract/errors.ts";
import type { Logger } from "../contract/logger.ts";
import { withBuiltIns } from "./built-in.ts";
import { ConfigurationError, type ConfigurationPlace, locate, parseJson, readText, stateDirOf } from "./locate.ts";
import { parseConfiguration } from "./parse-configuration.ts";

/** With the adapters that are registered where it is to be used. */
export type ConfigurationSource = ConfigurationPlace & { adapters: readonly BackendDescription[] };

/** A configuration with all its paths absolute. `file` is absent when there is none and the built-in one is used. */
export type LoadedConfiguration = { configuration: Configuration; file?: string; stateDir: string; baseDir: string };

type Checking = { adapters: readonly BackendDescription[]; baseDir: string; others?: readonly Issue[] };

/**
 * Reads the configuration: the file that `configFile` or AGENTDISPATCH_CONFIG names, else `agentdispatch.config.json` in
 * `cwd` if it is there, else with `ownFile` the one in the state folder, else the built-in one. Throws ConfigurationError
 * with all issues.
 */
export function loadConfiguration(source: ConfigurationSource): LoadedConfiguration {
  const { path, named } = locate(source);
  return interpretText(source, path, readText(path, named));
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
  const tellCosts = () => {
    for (const line of warmCosts(configuration)) log.warn(line);
  };
  tellCosts();

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
      tellCosts();
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

function fingerprint(path: string): { id: string; mtimeMs: number } {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return { id: `${ino}:${size}:${mtimeMs}`, mtimeMs };
  } catch {
    return { id: "", mtimeMs: 0 };
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
