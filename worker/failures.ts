import type { RefusedCode } from "../lib/contract/error-codes.ts";
import { DispatchError, type Problem, problem, RefusedError } from "../lib/contract/errors.ts";
import { clip } from "./parse.ts";
import { killAnyMarked, type Mark } from "./processes/processes.ts";
import { report } from "./report.ts";
import type { Outcome } from "./runner.ts";

/** A failed task as an error to throw, with the system's error code in its text. */
export const failure = (code: RefusedCode, message: string, cause?: unknown): RefusedError =>
  new RefusedError(code, clip(`${message}${systemCode(cause)}`, 4000), { cause });

const systemCode = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";

/** `conversation` is there to go on with what was done until then. */
export const timeoutProblem = (conversation?: string): Problem => {
  const longer = "timeout_seconds, or timeoutSeconds in the input, gives it longer";
  return problem("task.timeout", "the task was stopped because its time was over", {
    hint:
      conversation === undefined
        ? longer
        : `what it did is kept: another task goes on there with the conversation ${conversation}; ${longer}`,
  });
};

/** What became of a task whose runner threw. Ours travel; a bug is told apart from them and leaves nothing running. */
export async function runnerFailure(error: unknown, taskId: string, marks: readonly Mark[]): Promise<Outcome> {
  if (error instanceof DispatchError) return { error: error.problem };
  report(`the task ${taskId} failed inside the worker`, error);
  await killAnyMarked(marks);
  return { error: internalProblem() };
}

export const internalProblem = (): Problem =>
  problem("worker.internal", "an error inside the worker; its own log has the details");
