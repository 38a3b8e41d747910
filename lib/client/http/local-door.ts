import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { Door, DoorOptions, LocalAddress, LocalPlace } from "./door.ts";
import { explainStatus } from "./refusal.ts";

const NAME = "the local system";

/** The door of a local system: a bearer token from its state folder. Found when first used, and again when it has gone. */
export function localDoor(place: LocalPlace, { findLocal, env = {} }: DoorOptions): Door {
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
    name: NAME,
    locate: async () => new URL((await find()).url),
    authorize: async () => ({ authorization: `Bearer ${(await find()).token}` }),
    async renew() {
      found = undefined;
      return true;
    },
    explain: (refusal) =>
      refusal.status === 401 ? unauthenticated(env[environmentVariables.taskToken]) : explainStatus(NAME, refusal),
  };
}

const unauthenticated = (taskToken: string | undefined): RefusedError =>
  taskToken
    ? new RefusedError("endpoint.unauthenticated", `${NAME} refused the token of a task`, {
        hint: "a task dispatches as long as it runs and its profile may (mayDispatch); nothing can be dispatched for it now",
      })
    : new RefusedError("endpoint.unauthenticated", `${NAME} refused the token of its state folder`, {
        hint: "end every local system on that folder, and start one anew",
      });
