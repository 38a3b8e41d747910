import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, RefusedError } from "../contract/errors.ts";

/** What the state folder of a local system holds for whoever looks for it. */
export const stateFiles = (stateDir: string) => ({
  /** `{url, pid}` of the system that runs, as JSON. */
  endpoint: join(stateDir, "endpoint.json"),
  /** The bearer token of its HTTP door. */
  token: join(stateDir, "token"),
  /** Held by the system that runs. */
  lock: join(stateDir, "lock.sqlite"),
  /** What a system wrote that was started in the background. */
  log: join(stateDir, "local.log"),
});

/** Makes the state folder, readable by this user alone. Throws RefusedError `local.state_unwritable`. */
export function prepareState(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    chmodSync(stateDir, 0o700);
    const probe = join(stateDir, `.probe-${process.pid}`);
    writeFileSync(probe, "probe");
    rmSync(probe);
  } catch (error) {
    throw new RefusedError(
      "local.state_unwritable",
      `the state folder ${stateDir} cannot be written: ${(error as Error).message}`,
      {
        hint: "free some space, mend its permissions, or name another folder with --state-dir",
        cause: error,
      },
    );
  }
}

/** The text of a file, or undefined when it is not there. Throws RefusedError `local.state_unusable`. */
export function readStateFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw stateUnusable(path, error);
  }
}

/** The refusal of a state folder whose file cannot be used. */
export const stateUnusable = (path: string, error: unknown) =>
  new RefusedError("local.state_unusable", `${path} cannot be used: ${(error as Error).message}`, {
    hint: "make it a file that this user can read and write, or stop every local system on its folder and move it away: it is made anew",
    cause: error,
  });
