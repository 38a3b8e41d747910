import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";

/** Where programs are looked for when the environment names no PATH: https://man7.org/linux/man-pages/man3/exec.3.html */
const DEFAULT_PATH = "/usr/bin:/bin";

/**
 * Throws what `spawn` would give, ENOENT or EACCES, for a program that cannot be started from this folder and environment:
 * for callers that let a shell start it, which would only print the reason.
 */
export function assertProgram(file: string, cwd: string, env: Readonly<Record<string, string>>): void {
  const folders = file.includes("/") ? [""] : (env.PATH ?? DEFAULT_PATH).split(delimiter);
  let refusal = "ENOENT";
  for (const folder of folders) {
    const code = refusalOf(resolve(cwd, folder, file));
    if (code === undefined) return;
    if (code === "EACCES") refusal = code;
  }
  throw Object.assign(new Error(`spawn ${file} ${refusal}`), { code: refusal, syscall: `spawn ${file}` });
}

/** A PATH without the entries that lead into the folder where a program is started: relative ones, and empty ones. */
export function absolutePath(path: string = DEFAULT_PATH): string {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  // An empty one would mean the current folder.
  return folders.length === 0 ? DEFAULT_PATH : folders.join(delimiter);
}

/** The path of a program on a PATH, wherever it is started from; undefined where there is none that can be. */
export const findProgram = (program: string, path: string | undefined): string | undefined =>
  absolutePath(path)
    .split(delimiter)
    .map((folder) => resolve(folder, program))
    .find((file) => refusalOf(file) === undefined);

function refusalOf(path: string): string | undefined {
  try {
    // In most folders of a PATH there is none, and to throw that takes longer than to look.
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return "ENOENT";
    accessSync(path, constants.X_OK);
    return found.isFile() ? undefined : "EACCES";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "ENOENT";
  }
}
