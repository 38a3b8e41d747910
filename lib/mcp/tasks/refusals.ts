import {
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { factsOf } from "../../contract/error-codes.ts";
import { DispatchError, type Problem, toProblem } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { Logger } from "../../contract/logger.ts";
import { stackOf } from "../requests.ts";

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** Whether the client has declared, with its request, that it knows the extension; `meta` is what came with that. */
export function declaresTasks(meta: unknown): boolean {
  const declared = isObject(meta) ? meta[CLIENT_CAPABILITIES_META_KEY] : undefined;
  return isObject(declared) && isObject(declared.extensions) && isObject(declared.extensions[TASKS_EXTENSION]);
}

/** That the client did not state that it knows tasks. */
export const tasksNotDeclared = (): MissingRequiredClientCapabilityError =>
  new MissingRequiredClientCapabilityError(
    { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
    `Missing required client capability: this needs the extension ${TASKS_EXTENSION} on the request`,
  );

/** A problem as an error of JSON-RPC, with all that is known of it as its data. */
export function refusal(problem: Problem): ProtocolError {
  const { code, message, hint } = problem;
  const isCallers = factsOf(code).who === "caller" || code === "task.terminal";
  const text = `${code}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
  return new ProtocolError(
    isCallers ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError,
    text,
    problem,
  );
}

/** Does the work of a method; what it throws becomes an error of JSON-RPC, and what is not ours is logged and hidden. */
export async function refusing<T>(log: Logger, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (ProtocolError.isInstance(error)) throw error;
    if (!(error instanceof DispatchError)) log.error("a method of tasks failed", { error: stackOf(error) });
    throw refusal(toProblem(error));
  }
}
