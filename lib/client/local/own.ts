import { resolve } from "node:path";
import { userDataDir } from "../../config/user-data-dir.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { LocalPlace } from "../http/door.ts";
import { findOrStartLocal } from "./start.ts";

/**
 * The local system of whoever starts the bridge, found or started, with their own configuration: the one that is named, or the
 * one in the state folder. Not that of the working folder, which is a project that an assistant was opened in: it could be
 * anybody's, and a configuration names programs. Throws as `findOrStartLocal`.
 */
export function findOrStartOwn(place: LocalPlace, env: NodeJS.ProcessEnv = process.env) {
  if (place.config || env[environmentVariables.configFile]) return findOrStartLocal(place);
  const named = place.stateDir ?? env[environmentVariables.stateDir];
  if (!named) return findOrStartLocal({}, { cwd: userDataDir(env, process.platform) });
  const stateDir = resolve(named);
  return findOrStartLocal({ stateDir }, { cwd: stateDir });
}
