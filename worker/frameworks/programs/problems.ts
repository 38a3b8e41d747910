import type { ErrorCode } from "../../../lib/contract/error-codes.ts";
import { type Problem, problem } from "../../../lib/contract/errors.ts";
import { type BuiltInFramework, builtInFramework } from "../../../lib/contract/frameworks.ts";
import { lastLineOf } from "../../output/capture.ts";
import { clip } from "../../parse.ts";
import type { ProcessEnd } from "../../processes/run-process.ts";

/** What stops an agent, told apart by who can do something about it. */
export type Obstacle = "auth" | "usage_limit" | "busy" | "model_unavailable" | "permission" | "budget" | "agent_error";

/** What to do where a provider has too much to do for the moment, which is no limit of the account. */
export const BUSY_HINT =
  "the provider had too many requests at once: dispatch it again later, or go on in its conversation";

/**
 * A turn that failed, as a problem: what the program said, and what to do about it, in the same words for all of them.
 * `resetsAt` is when an account's limit ends, where that was said.
 */
export function agentProblem(framework: BuiltInFramework, obstacle: Obstacle, said: string, resetsAt?: Date): Problem {
  const code: ErrorCode = obstacle === "busy" ? "task.agent_error" : `task.${obstacle}`;
  const reset = resetsAt && Number.isFinite(resetsAt.getTime()) ? resetsAt.toISOString() : undefined;
  return problem(code, `${framework}: ${clip(said.trim(), 2000)}`, {
    hint: hintOf(framework, obstacle, reset),
    ...(reset !== undefined && { details: { resetsAt: reset } }),
  });
}

/** Why there is no answer, in a program's own words: what it said of it, else the last of its stderr, else how it ended. */
export function lastWords(said: unknown, { exitCode, signal }: ProcessEnd, stderrTail: string): string {
  if (typeof said === "string" && said.trim() !== "") return said;
  return lastLineOf(stderrTail) || `it ended without an answer (${signal ?? `exit code ${exitCode}`})`;
}

function hintOf(framework: BuiltInFramework, obstacle: Obstacle, reset: string | undefined): string | undefined {
  const { login } = builtInFramework(framework) ?? {};
  switch (obstacle) {
    case "auth":
      return `log in once with: ${login}; or give it the key of its model in the environment of the backend's details`;
    case "usage_limit":
      return reset === undefined
        ? "wait until the account may use its models again, or use another account or framework"
        : `the limit ends at ${reset}; until then another account or framework can do the task`;
    case "busy":
      return BUSY_HINT;
    case "model_unavailable":
      return "name another model with `model`, or get access to this one for the account that is logged in";
    case "permission":
      return "runtimeTools.permissionMode says what may be done without asking";
    case "budget":
      return "runtimeTools.maxTurns gives it more; what it did so far is kept, and its conversation can go on";
    default:
      return undefined;
  }
}
