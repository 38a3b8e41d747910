import { constants } from "node:os";
import { factsOf } from "../../contract/error-codes.ts";
import type { Problem } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";

export const USAGE_ERROR = 2;
export const CANCELLED = 130;
/** The task has not ended: ask again later. It is EX_TEMPFAIL of sysexits.h. */
export const NOT_ENDED = 75;

/** 2 when what was asked for has to change, 1 for everything else; what a shell says of a command that did not run. */
export const exitCodeOfProblem = ({ code }: Pick<Problem, "code">): number => factsOf(code).exitCode;

/**
 * The exit code with which a run ends: the job's own, or what a shell would say of the way it ended. A result of a failed
 * task that names no exit code is 1.
 */
export function exitCodeOf({ status, result, error }: Pick<TaskResult, "status" | "result" | "error">): number {
  // How a command ended travels in the result, or with the error where there is no result.
  const facts = { ...error?.details, ...(isObject(result) && result) };
  if (status === "succeeded") return typeof facts.exitCode === "number" ? facts.exitCode : 0;
  if (status === "cancelled") return CANCELLED;
  const said = exitCodeOfProblem(
    facts.timedOut === true ? { code: "task.timeout" } : (error ?? { code: "task.other" }),
  );
  if (said > USAGE_ERROR) return said;
  if (typeof facts.exitCode === "number" && facts.exitCode !== 0) return facts.exitCode;
  if (typeof facts.signal === "string") return 128 + signalNumber(facts.signal);
  return said;
}

function signalNumber(name: string): number {
  const known: Record<string, number> = constants.signals;
  return Object.hasOwn(known, name) ? (known[name] ?? 0) : 0;
}
