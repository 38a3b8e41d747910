import { resolve } from "node:path";
import type { LocalAddress, LocalPlace } from "../http/door.ts";
import { findLocal, stateDirOf } from "./find.ts";

/**
 * The local system for the agent of one of its tasks, opened with the token of that task; undefined when none runs. None is
 * started: it would be a process of the task, and end with it. Throws RefusedError `local.state_unusable`.
 */
export async function findForTask(place: LocalPlace, token: string): Promise<LocalAddress | undefined> {
  // No configuration is looked for where the folder is named: the working folder is somebody's checkout.
  const found = await findLocal(place.stateDir === undefined ? stateDirOf(place) : resolve(place.stateDir));
  return found && { url: found.url, token };
}
