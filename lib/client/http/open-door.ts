import type { Door, DoorOptions, Target } from "./door.ts";
import { localDoor } from "./local-door.ts";
import { signedDoor } from "./signed-door.ts";
import { stackDoor } from "./stack-door.ts";

/**
 * The door of a system; nothing of it is asked or read before it is used. Throws RefusedError (`endpoint.address_invalid`,
 * `endpoint.insecure`) for an address that cannot be one.
 *
 * @example
 * const door = openDoor(targetOf({ endpoint }, process.env), { findLocal });
 * const { body } = await post(door, { headers, body }, { mayRepeat: true });
 */
export function openDoor(target: Target, { findLocal, env = process.env }: DoorOptions): Door {
  if ("endpoint" in target) return signedDoor(target, env);
  if ("stack" in target) return stackDoor(target, env);
  return localDoor(target.local, { findLocal, env });
}
