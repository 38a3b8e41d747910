import { realpathSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { isProgram } from "../command-name.ts";
import type { Io } from "../io.ts";

/** Where a program is that the PATH names, or that a path names; undefined where there is none that may be run. */
export function findProgram(name: string, env: Io["env"]): string | undefined {
  if (isAbsolute(name)) return isProgram(name) ? name : undefined;
  return candidates(name, env).find(isProgram);
}

/**
 * The path of a program as the PATH finds it, where that leads to the same file: it stays the same when a new version is
 * installed, and the file need not.
 */
export const stablePath = (file: string, name: string, env: Io["env"]): string =>
  candidates(name, env).find((path) => isProgram(path) && realpathSync(path) === file) ?? file;

const candidates = (name: string, env: Io["env"]): string[] =>
  (env.PATH ?? "")
    .split(delimiter)
    .filter(isAbsolute)
    .flatMap((folder) =>
      (process.platform === "win32" ? [".exe", ".cmd"] : [""]).map((end) => join(folder, name + end)),
    );
