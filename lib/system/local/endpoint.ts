import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { locateState } from "../../config/locate.ts";
import { readStateFile, stateFiles, stateUnusable } from "../../config/state-files.ts";
import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { tryLock } from "./lock.ts";

/**
 * The bearer token of this state; it stays the same over restarts, so that connected assistants stay connected. Throws
 * RefusedError `local.state_unusable`.
 */
export function readOrMakeToken(stateDir: string): { token: string; tokenFile: string } {
  const tokenFile = stateFiles(stateDir).token;
  const known = readStateFile(tokenFile)?.trim() ?? "";
  try {
    if (/^[0-9a-f]{64}$/.test(known)) {
      chmodSync(tokenFile, 0o600);
      return { token: known, tokenFile };
    }
    const token = randomBytes(32).toString("hex");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    chmodSync(tokenFile, 0o600);
    return { token, tokenFile };
  } catch (error) {
    throw stateUnusable(tokenFile, error);
  }
}

/**
 * Makes this process the only local system on the state, until `release` or its death: the lock is the operating system's.
 * Throws RefusedError `local.already_running` with the other's pid and url, as far as they are known, or
 * `local.state_unusable`.
 */
export function lockState(stateDir: string): { announce(url: string): void; release(): void } {
  const paths = stateFiles(stateDir);
  let lock: ReturnType<typeof tryLock>;
  try {
    lock = tryLock(paths.lock);
  } catch (error) {
    // A lock that is damaged or out of reach says nothing of another system.
    throw stateUnusable(paths.lock, error);
  }
  if (!lock) throw alreadyRunning(stateDir);
  const held = lock;
  return {
    announce(url) {
      const temporary = `${paths.endpoint}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify({ url, pid: process.pid }), { mode: 0o600 });
      renameSync(temporary, paths.endpoint);
    },
    release() {
      rmSync(paths.endpoint, { force: true });
      held.release();
    },
  };
}

function alreadyRunning(stateDir: string): RefusedError {
  let details: Record<string, unknown> = { stateDir };
  try {
    details = { ...details, ...(JSON.parse(readFileSync(stateFiles(stateDir).endpoint, "utf8")) as object) };
  } catch {
    // it is only just starting
  }
  const where = details.url ? ` at ${details.url} (process ${details.pid})` : "";
  return new RefusedError("local.already_running", `a local system already runs on ${stateDir}${where}`, {
    hint: "use it, or end it with: agent-dispatch local stop",
    details,
  });
}

/**
 * The options with which a command in the folder `cwd` finds a system, where no variable of ours is set: as few as it takes.
 */
export function optionsToFind(
  { stateDir, configFile }: { stateDir: string; configFile?: string },
  cwd: string,
): { config?: string; stateDir?: string } {
  const env = {
    ...process.env,
    [environmentVariables.stateDir]: undefined,
    [environmentVariables.configFile]: undefined,
  };
  const found = (source: { configFile?: string; stateDir?: string }) => {
    try {
      return locateState({ cwd, env, ownFile: true, ...source });
    } catch {
      return undefined; // a file that cannot be used finds nothing
    }
  };
  const isFound = [found({}), found({ stateDir })].some((place) => place?.file === configFile);
  const config = isFound ? undefined : configFile;
  const byConfig = found(config === undefined ? {} : { configFile: config });
  return { ...(config !== undefined && { config }), ...(byConfig?.stateDir !== stateDir && { stateDir }) };
}
