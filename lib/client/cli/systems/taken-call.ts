import type { ErrorCode } from "../../../contract/error-codes.ts";
import { DispatchError, InvalidInputError, RefusedError } from "../../../contract/errors.ts";
import { isOrchestration } from "../../../contract/kinds.ts";
import type { Client } from "../../sdk/client.ts";
import type { Call, RunOptions } from "../run-call.ts";

type Explicit = Extract<Call, { tool: "dispatch_task" }>;
type Account = { name: string; provider: string };

/**
 * Hands the call of a run to the system, as it takes it. A program on this machine goes under the usual account: most files name it, and
 * only where this one does not is the system asked which there are. Throws as `asTaken` and `Client.call` do.
 */
export async function dispatchTaken(client: Client, call: Call, options: Pick<RunOptions, "cwd">) {
  const send = ({ tool, args }: Call) => client.call(tool, args);
  if (!client.isLocal || call.tool !== "dispatch_task" || isOrchestration(call.args.task_type))
    return send(await asTaken(client, call, options));
  try {
    return await send(call);
  } catch (error) {
    if (!(error instanceof DispatchError && error.code === "account_profile.not_found")) throw error;
    return send(await asTaken(client, call, options));
  }
}

/**
 * The call of a run as the system takes it: under an account that its configuration names, and without a folder of this machine
 * where it is elsewhere. Throws InvalidInputError for a folder, RefusedError where a system elsewhere has no account.
 */
async function asTaken(client: Client, call: Call, { cwd }: Pick<RunOptions, "cwd">): Promise<Call> {
  const { isLocal } = client;
  if (!isLocal && cwd !== undefined)
    throw new InvalidInputError([
      { path: "--cwd", message: "is a folder of this machine, and the task runs elsewhere" },
    ]);
  if (call.tool !== "dispatch_task") return call;
  const account = await accountFor(client, call);
  // On this machine the system itself says which there are.
  if (!account && isLocal) return call;
  if (!account)
    throw new RefusedError("account_profile.not_found", "the system has no account that programs could run under");
  const { target, ...args } = call.args;
  const there = isLocal ? target : { mode: target.mode };
  return { ...call, args: { ...args, provider: account.provider, account_profile: account.name, target: there } };
}

/**
 * Of what is made of other tasks, that of its agents. Of a program one for programs where the system is: that which the call
 * names, else the first.
 */
async function accountFor(client: Client, { args, agent }: Explicit): Promise<Account | undefined> {
  const isWhole = isOrchestration(args.task_type);
  const ofAgents = isWhole ? await accountOf(client, agent) : undefined;
  if (ofAgents) return ofAgents;
  const all = await client.accounts();
  const there = all.filter(({ provider }) => (provider === args.provider) === client.isLocal);
  return there.find(({ name }) => name === args.account_profile) ?? there[0] ?? (isWhole ? all[0] : undefined);
}

/** What the dispatch itself refuses, with its place in the input. */
const said: readonly ErrorCode[] = ["runtime_profile.not_found", "account_profile.not_found", "input.invalid"];

/** The account of an agent, or of the usual one; undefined where there is no such agent, or no usual one. */
async function accountOf(client: Client, agent: string | undefined): Promise<Account | undefined> {
  try {
    const found = await client.check({ live: false, ...(agent !== undefined && { runtime: agent }) });
    return { name: found.account_profile, provider: found.provider };
  } catch (error) {
    if (error instanceof DispatchError && said.includes(error.code)) return undefined;
    throw error;
  }
}
