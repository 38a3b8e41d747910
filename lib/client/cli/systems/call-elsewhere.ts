import { InvalidInputError, RefusedError } from "../../../contract/errors.ts";
import type { Client } from "../../sdk/client.ts";
import type { Call, RunOptions } from "../run-call.ts";

/**
 * The call of a run as the system takes it: one elsewhere knows no folder of this machine, and runs programs under its own
 * account, the first that its configuration names. Throws InvalidInputError for a folder, RefusedError without an account.
 */
export async function asTaken(client: Client, call: Call, { cwd }: Pick<RunOptions, "cwd">): Promise<Call> {
  if (client.isLocal) return call;
  if (cwd !== undefined)
    throw new InvalidInputError([
      { path: "--cwd", message: "is a folder of this machine, and the task runs elsewhere" },
    ]);
  if (call.tool !== "dispatch_task") return call;
  const [account] = await client.accounts();
  if (!account)
    throw new RefusedError("account_profile.not_found", "the system has no account that programs could run under");
  const { target, ...args } = call.args;
  const { mode } = target;
  return { ...call, args: { ...args, provider: account.provider, account_profile: account.name, target: { mode } } };
}
