import { RefusedError } from "../../contract/errors.ts";
import type { Door, DoorOptions, LocalAddress, LocalPlace } from "./door.ts";

/** The door of a local system: a bearer token from its state folder. Found when first used, and again when it has gone. */
export function localDoor(place: LocalPlace, { findLocal }: DoorOptions): Door {
  let found: Promise<LocalAddress> | undefined;
  const find = (): Promise<LocalAddress> => {
    found ??= findLocal(place).then((address) => {
      if (address) return address;
      throw new RefusedError("local.not_running", "no local system is running", {
        hint: "start one with: agent-dispatch local",
      });
    });
    // What was not found may be there the next time.
    found.catch(() => (found = undefined));
    return found;
  };
  return {
    name: "the local system",
    locate: async () => new URL((await find()).url),
    authorize: async () => ({ authorization: `Bearer ${(await find()).token}` }),
    async renew() {
      found = undefined;
      return true;
    },
    explain: ({ status }) =>
      status === 401
        ? new RefusedError("endpoint.unauthenticated", "the local system refused the token of its state folder", {
            hint: "end every local system on that folder and start one: agent-dispatch local",
          })
        : new RefusedError("endpoint.failed", `the local system answered with HTTP status ${status}`),
  };
}
