import type { ErrorCode } from "../../lib/contract/error-codes.ts";
import { type Problem, problem } from "../../lib/contract/errors.ts";
import { clip } from "../parse.ts";
import type { ProcessEnd } from "./run-process.ts";

/** Why a process did not succeed, or undefined if it did. `code` is for one that says so itself, by its exit code. */
export function processFailure(end: ProcessEnd, file: string, code: ErrorCode, lastLine: string): Problem | undefined {
  const name = clip(file, 200);
  if (end.failedToStart) return startProblem(end.failedToStart, name);
  if (end.exitCode === 0) return undefined;
  const why = lastLine === "" ? "" : `: ${clip(lastLine, 500)}`;
  if (end.signal !== null) return problem("task.signal", `${name} was ended by ${end.signal}${why}`);
  if (end.exitCode === null) return problem("task.not_started", `${name} was stopped before it started`);
  return problem(code, `${name} ended with exit code ${end.exitCode}${why}`, { details: { exitCode: end.exitCode } });
}

function startProblem({ code = "unknown error" }: NodeJS.ErrnoException, name: string): Problem {
  switch (code) {
    case "ENOENT":
      return problem("task.command_not_found", `there is no program ${name} here, or not the interpreter it names`);
    case "E2BIG":
      return problem("input.invalid", "input: the arguments and the environment are longer than the system allows");
    case "EAGAIN":
    case "ENOMEM":
    case "EMFILE":
    case "ENFILE":
      return problem("worker.exhausted", `the worker could not start a process (${code})`);
    default:
      return problem("task.command_not_executable", `${name} cannot be executed (${code})`);
  }
}
