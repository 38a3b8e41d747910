import { constants } from "node:os";
import type { Problem } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";

export const USAGE_ERROR = 2;
const TIMED_OUT = 124;
export const CANCELLED = 130;
/** What a shell says of a program that there is not, or that cannot be executed. */
const neverStarted: Readonly<Record<string, number>> = {
  "task.command_not_found": 127,
  "task.command_not_executable": 126,
};
/** The task has not ended: ask again later. It is EX_TEMPFAIL of sysexits.h. */
export const NOT_ENDED = 75;

/** Codes of refusals that say that the call itself has to change. */
const badInput =
  /^(input|configuration|policy|account_profile|backend|adapter|runtime_profile|idempotency)\.|^task\.(not_found|ambiguous)$/;

/** 2 when what was asked for has to change, 1 for everything else. */
export function exitCodeOfProblem(problem: Pick<Problem, "code">): number {
  return badInput.test(problem.code) ? USAGE_ERROR : 1;
}

/**
 * The exit code with which a run ends: the job's own, or what a shell would say of the way it ended. A result of a failed
 * task that names no exit code is 1.
 */
export function exitCodeOf({ status, result, error }: Pick<TaskResult, "status" | "result" | "error">): number {
  // How a command ended travels in the result, or with the error where there is no result.
  const facts = { ...error?.details, ...(isObject(result) && result) };
  if (status === "succeeded") return typeof facts.exitCode === "number" ? facts.exitCode : 0;
  if (status === "cancelled") return CANCELLED;
  if (facts.timedOut === true || /^task\.time(d_)?out$/.test(error?.code ?? "")) return TIMED_OUT;
  const never = error && Object.hasOwn(neverStarted, error.code) ? neverStarted[error.code] : undefined;
  if (never !== undefined) return never;
  if (typeof facts.exitCode === "number" && facts.exitCode !== 0) return facts.exitCode;
  if (typeof facts.signal === "string") return 128 + signalNumber(facts.signal);
  return 1;
}

function signalNumber(name: string): number {
  const known: Record<string, number> = constants.signals;
  return Object.hasOwn(known, name) ? (known[name] ?? 0) : 0;
}
