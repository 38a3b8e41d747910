import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { locateState } from "../../config/config-file.ts";
import { codeOf, RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { tryLock } from "./lock.ts";

/** Where a local system can be reached; `token` is the bearer token of its HTTP door. */
export type Endpoint = { url: string; pid: number; token: string };

const files = (stateDir: string) => ({
  endpoint: join(stateDir, "endpoint.json"),
  token: join(stateDir, "token"),
  lock: join(stateDir, "lock.sqlite"),
});

/** The live local system on that state, or undefined when none answers. Throws RefusedError `local.state_unusable`. */
export async function findEndpoint(stateDir: string): Promise<Endpoint | undefined> {
  const paths = files(stateDir);
  const endpoint = readIfThere(paths.endpoint);
  const token = endpoint === undefined ? undefined : readIfThere(paths.token);
  if (endpoint === undefined || token === undefined) return undefined;
  try {
    const { url, pid } = JSON.parse(endpoint) as Omit<Endpoint, "token">;
    const response = await fetch(new URL("/health", url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(3000),
    });
    const health = (await response.json()) as { pid?: number };
    return response.ok && health.pid === pid ? { url, pid, token } : undefined;
  } catch {
    return undefined;
  }
}

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

/**
 * The bearer token of this state; it stays the same over restarts, so that connected assistants stay connected. Throws
 * RefusedError `local.state_unusable`.
 */
export function readOrMakeToken(stateDir: string): { token: string; tokenFile: string } {
  const tokenFile = files(stateDir).token;
  const known = readIfThere(tokenFile)?.trim() ?? "";
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
    throw unusable(tokenFile, error);
  }
}

/** The text of a file, or undefined when it is not there. Throws RefusedError `local.state_unusable`. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw unusable(path, error);
  }
}

const unusable = (path: string, error: unknown) =>
  new RefusedError("local.state_unusable", `${path} cannot be used: ${(error as Error).message}`, {
    hint: "make it a file that this user can read and write, or stop every local system on its folder and move it away: it is made anew",
    cause: error,
  });

/**
 * Makes this process the only local system on the state, until `release` or its death: the lock is the operating system's.
 * Throws RefusedError `local.already_running` with the other's pid and url, as far as they are known, or
 * `local.state_unusable`.
 */
export function lockState(stateDir: string): { announce(url: string): void; release(): void } {
  const paths = files(stateDir);
  let lock: ReturnType<typeof tryLock>;
  try {
    lock = tryLock(paths.lock);
  } catch (error) {
    // A lock that is damaged or out of reach says nothing of another system.
    throw unusable(paths.lock, error);
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
    details = { ...details, ...(JSON.parse(readFileSync(files(stateDir).endpoint, "utf8")) as object) };
  } catch {
    // it is only just starting
  }
  const where = details.url ? ` at ${details.url} (process ${details.pid})` : "";
  return new RefusedError("local.already_running", `a local system already runs on ${stateDir}${where}`, {
    hint: "use it, or end it with: agent-dispatch local stop",
    details,
  });
}

/** The state folder that the options, the environment or the configuration name. Throws ConfigurationError. */
export function resolveStateDir({ configFile, stateDir }: { configFile?: string; stateDir?: string }): string {
  if (stateDir !== undefined) return resolve(stateDir);
  return locateState({ cwd: process.cwd(), ownFile: true, ...(configFile !== undefined && { configFile }) }).stateDir;
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
