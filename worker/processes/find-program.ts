import { accessSync, constants, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";

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

/** Whether a program can be started from this folder and environment. */
export function hasProgram(file: string, cwd: string, env: Readonly<Record<string, string>>): boolean {
  try {
    assertProgram(file, cwd, env);
    return true;
  } catch {
    return false;
  }
}

function refusalOf(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? undefined : "EACCES";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "ENOENT";
  }
}
