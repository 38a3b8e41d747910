import { RefusedError } from "../../contract/errors.ts";
import { type Protocol, protocols, serverProtocols } from "../../contract/kinds.ts";
import type { Task } from "../../contract/task.ts";
import type { Placement } from "../adapter.ts";
import { parseRuntimeArn, type RuntimeRef } from "./resources.ts";

/** The value of `contract` for a runtime that knows nothing of ours. */
export const NO_CONTRACT = "none";

/** The endpoint that every runtime has, and that follows its newest version. */
export const DEFAULT_QUALIFIER = "DEFAULT";

/** A placement, or a task, which knows more of its runtime once it was provisioned. */
export type Placed = Pick<Placement, "target"> & { providerRefs?: Readonly<Record<string, string>> };

/** A text among the target's details; undefined when it is missing or blank. */
export function detail({ target }: Placed, name: string): string | undefined {
  const value = target.details?.[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** The same, where a task cannot do without. Throws RefusedError `task.target_incomplete`. */
export function neededDetail(placed: Placed, name: string): string {
  const value = detail(placed, name);
  if (value !== undefined) return value;
  throw new RefusedError("task.target_incomplete", `target.details.${name} is missing`, {
    hint: `give target.details.${name} in the call, the runtime profile or the backend`,
  });
}

/** The endpoint that is invoked; a runtime made for a task has the default one alone. */
export const qualifierOf = (placed: Placed): string =>
  (placed.target.mode === "session" ? detail(placed, "qualifier") : undefined) ?? DEFAULT_QUALIFIER;

/** What is spoken with the runtime: what it speaks, as far as that is known, else what was configured. */
export const protocolOf = ({ target, providerRefs }: Placed): Protocol =>
  protocols.find((protocol) => serverProtocols[protocol] === providerRefs?.serverProtocol) ?? target.protocol ?? "http";
export type ServerProtocol = (typeof serverProtocols)[Protocol];
export const serverProtocolOf = (placed: Placed): ServerProtocol => serverProtocols[protocolOf(placed)];

/** Whether a text names a protocol as AgentCore does. */
export const isServerProtocol = (text: unknown): text is ServerProtocol =>
  Object.values(serverProtocols).some((known) => known === text);

/** The role that a new runtime gets: the call's, else the backend's default. */
export const roleOf = (placed: Placed): string | undefined =>
  detail(placed, "executionRoleArn") ?? detail(placed, "defaultExecutionRoleArn");

/** Whether the runtime is contract-less, as its tags or its configuration say. */
export const isContractLess = (placed: Placed): boolean =>
  (placed.providerRefs?.contract ?? detail(placed, "contract")) === NO_CONTRACT;

/** The runtime that a task uses: its own once it was made, or the one it names. */
export function runtimeOf(task: Task): RuntimeRef | undefined {
  return parseRuntimeArn(task.target.mode === "runtime" ? task.providerRefs.runtimeArn : detail(task, "runtimeArn"));
}

/** Where a target is. A runtime's ARN says it; else the details, which have the account's; else `fallback`. */
export function regionOf(placed: Placed, fallback: string | undefined): string | undefined {
  const named = placed.target.mode === "session" ? parseRuntimeArn(detail(placed, "runtimeArn")) : undefined;
  return named?.region ?? detail(placed, "region") ?? fallback;
}

/** What the names of all log groups of runtimes begin with. */
export const LOG_GROUPS = "/aws/bedrock-agentcore/runtimes/";

/**
 * Where the service writes what the runtime's container prints.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-view.html
 */
export const logGroupOf = (runtimeId: string, qualifier: string): string => `${LOG_GROUPS}${runtimeId}-${qualifier}`;
