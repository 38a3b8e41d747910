import { expect, test } from "vitest";
import { exitCodeOf, exitCodeOfProblem } from "../../../lib/client/cli/exit-code.ts";
import type { ErrorCode } from "../../../lib/contract/error-codes.ts";

const failed = (code: ErrorCode, details?: Record<string, unknown>) => ({
  code,
  message: "it failed",
  retryable: false,
  ...(details && { details }),
});

test.each<[string, Parameters<typeof exitCodeOf>[0], number]>([
  ["a success", { status: "succeeded", result: { exitCode: 0 } }, 0],
  ["an agent's success", { status: "succeeded", result: { output: "done" } }, 0],
  ["its own exit code", { status: "failed", result: { exitCode: 7 }, error: failed("task.exit_code") }, 7],
  ["the exit code in the error", { status: "failed", error: failed("task.agent_error", { exitCode: 9 }) }, 9],
  ["a signal", { status: "failed", result: { exitCode: null, signal: "SIGKILL" }, error: failed("task.signal") }, 137],
  ["a timeout", { status: "failed", result: { exitCode: null, signal: "SIGTERM", timedOut: true } }, 124],
  ["a timeout without a result", { status: "failed", error: failed("task.timeout") }, 124],
  ["a cancelled task", { status: "cancelled", result: { exitCode: null, signal: "SIGTERM" } }, 130],
  ["a program that is not there", { status: "failed", error: failed("task.command_not_found") }, 127],
  ["one that cannot be executed", { status: "failed", error: failed("task.command_not_executable") }, 126],
  ["a worker that may not run it", { status: "failed", error: failed("policy.denied") }, 2],
  ["a lost worker", { status: "failed", error: failed("worker.lost") }, 1],
  [
    "a failure after an exit with 0",
    { status: "failed", result: { exitCode: 0 }, error: failed("platform.internal") },
    1,
  ],
])("%s", (_, outcome, code) => {
  expect(exitCodeOf(outcome)).toBe(code);
});

test("what the caller has to change is 2, everything else 1", () => {
  for (const code of [
    "input.invalid",
    "policy.denied",
    "configuration.invalid",
    "task.not_found",
    "task.ambiguous",
    "idempotency.conflict",
  ] as const)
    expect(exitCodeOfProblem({ code })).toBe(2);
  for (const code of [
    "task.terminal",
    "local.not_running",
    "local.port_in_use",
    "platform.internal",
    "endpoint.unreachable",
  ] as const)
    expect(exitCodeOfProblem({ code })).toBe(1);
});
