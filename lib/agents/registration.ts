import { realpath, stat } from "node:fs/promises";
import { isAbsolute, sep } from "node:path";
import { InvalidInputError } from "../contract/errors.ts";

/** Bits of a folder's mode: that anybody may write in it, and that each removes only their own there, as in /tmp. */
const ANYBODY = 0o002;
const STICKY = 0o1000;

/**
 * The real path of a folder that may be registered as an agent's. Registering trusts it: whoever may write in it steers what
 * the agent does with the person's rights and keys. Throws InvalidInputError.
 */
export async function registrable(workspace: string, stateDir: string): Promise<string> {
  if (!isAbsolute(workspace)) throw refused("must be an absolute path");
  const place = await realpath(workspace).catch(() => undefined);
  const info = place === undefined ? undefined : await stat(place).catch(() => undefined);
  if (place === undefined || !info) throw refused(`there is no folder ${workspace}`);
  if (!info.isDirectory()) throw refused(`${workspace} is not a folder`);
  const state = await realpath(stateDir).catch(() => stateDir);
  if (place === state || place.startsWith(state + sep))
    throw refused(`${place} is part of the state of this system, where jobs of others write`);
  const self = process.getuid?.();
  const isOwn = self === undefined || info.uid === self;
  const isSystems = info.uid === 0 && (info.mode & ANYBODY) === 0;
  const isShared = (info.mode & ANYBODY) !== 0 && (info.mode & STICKY) !== 0;
  if (isShared || !(isOwn || isSystems))
    throw refused(
      `others may write in ${place}, and so could steer the agent`,
      "if you vouch for it, name it yourself: as workspace of a runtime profile in the configuration file",
    );
  return place;
}

const refused = (message: string, hint?: string): InvalidInputError =>
  new InvalidInputError([{ path: "workspace", message }], { hint });
