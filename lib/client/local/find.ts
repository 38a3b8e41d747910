import { get } from "node:http";
import { json } from "node:stream/consumers";
import { locateState } from "../../config/locate.ts";
import { isProof, newNonce } from "../../config/proof-of-token.ts";
import { readStateFile, stateFiles } from "../../config/state-files.ts";
import { codeOf } from "../../contract/errors.ts";
import { defined, isObject } from "../../contract/json.ts";
import type { LocalAddress, LocalPlace } from "../http/door.ts";

/** Where a local system listens, the bearer token that opens it, and the process that it is. */
export type LocalSystem = LocalAddress & { pid: number };

const HEALTH_MS = 3000;

/** The state folder that the place, the environment or the configuration, of `cwd` too, names. Throws ConfigurationError. */
export const stateDirOf = ({ config, stateDir }: LocalPlace, cwd = process.cwd()): string =>
  locateState(defined({ cwd, ownFile: true, configFile: config, stateDir })).stateDir;

/**
 * The live local system on that state, or undefined when none answers. What listens where one was gets to see the token only
 * after it has proved that it has it. Throws RefusedError `local.state_unusable`.
 */
export async function findLocal(stateDir: string): Promise<LocalSystem | undefined> {
  const paths = stateFiles(stateDir);
  const endpoint = readStateFile(paths.endpoint);
  const token = endpoint === undefined ? undefined : readStateFile(paths.token)?.trim();
  if (endpoint === undefined || !token) return undefined;
  try {
    const { url, pid } = JSON.parse(endpoint) as Omit<LocalSystem, "token">;
    if (!isAlive(pid)) return undefined;
    const nonce = newNonce();
    const health = await ask(new URL(`/health?nonce=${nonce}`, url));
    return health.pid === pid && isProof(health.proof, token, nonce) ? { url, pid, token } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is a process of that number, whoever's it is. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** Who answers there: any other process may have the port by now. */
function ask(url: URL): Promise<{ pid?: unknown; proof?: unknown }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(HEALTH_MS);
    const request = get(url, { signal }, (response) => {
      json(response).then((health) => resolve(isObject(health) ? health : {}), reject);
    });
    request.on("error", reject);
  });
}
