import { get } from "node:http";
import { json } from "node:stream/consumers";
import { locateState } from "../../config/locate.ts";
import { readStateFile, stateFiles } from "../../config/state-files.ts";
import { defined, isObject } from "../../contract/json.ts";
import type { LocalAddress, LocalPlace } from "../http/door.ts";

/** Where a local system listens, the bearer token that opens it, and the process that it is. */
export type LocalSystem = LocalAddress & { pid: number };

const HEALTH_MS = 3000;

/** The state folder that the place, the environment or the configuration names. Throws ConfigurationError. */
export const stateDirOf = ({ config, stateDir }: LocalPlace): string =>
  locateState(defined({ cwd: process.cwd(), ownFile: true, configFile: config, stateDir })).stateDir;

/** The live local system on that state, or undefined when none answers. Throws RefusedError `local.state_unusable`. */
export async function findLocal(stateDir: string): Promise<LocalSystem | undefined> {
  const paths = stateFiles(stateDir);
  const endpoint = readStateFile(paths.endpoint);
  const token = endpoint === undefined ? undefined : readStateFile(paths.token);
  if (endpoint === undefined || token === undefined) return undefined;
  try {
    const { url, pid } = JSON.parse(endpoint) as Omit<LocalSystem, "token">;
    const health = await ask(new URL("/health", url), token);
    return health.pid === pid ? { url, pid, token } : undefined;
  } catch {
    return undefined;
  }
}

/** Who answers there: any other process may have the port by now. */
function ask(url: URL, token: string): Promise<{ pid?: unknown }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(HEALTH_MS);
    const request = get(url, { headers: { authorization: `Bearer ${token}` }, signal }, (response) => {
      json(response).then((health) => resolve(isObject(health) ? health : {}), reject);
    });
    request.on("error", reject);
  });
}
