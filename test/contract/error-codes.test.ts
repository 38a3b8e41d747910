import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import {
  type ErrorCode,
  errorCodes,
  factsOf,
  nearestCode,
  type RefusedCode,
  type RetryableCode,
} from "../../lib/contract/error-codes.ts";
import { type Problem, RefusedError, RetryableError } from "../../lib/contract/errors.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];
const such = (is: (facts: ReturnType<typeof factsOf>) => boolean) => codes.filter((code) => is(factsOf(code)));

// What clients and scripts act on: a change here is a change of the contract.
test("what the same call may overcome later", () => {
  expect(such(({ retryable }) => retryable)).toEqual([
    "artifact.interrupted",
    "endpoint.busy",
    "endpoint.unreachable",
    "platform.artifacts_unavailable",
    "platform.conflict",
    "platform.credentials",
    "platform.internal",
    "platform.not_ready",
    "platform.quota_exceeded",
    "platform.runtime_not_found",
    "platform.stood_still",
    "platform.store_throttled",
    "platform.store_unavailable",
    "platform.stuck",
    "platform.throttled",
    "platform.too_many_files",
    "platform.unavailable",
    "platform.unreachable",
    "platform.workflow_unavailable",
    "worker.connection_lost",
    "worker.contract_broken",
    "worker.did_not_start",
    "worker.gone",
    "worker.lost",
    "worker.outcome_unknown",
    "worker.replaced",
    "worker.stopped",
    "worker.unavailable",
    "worker.unknown_session",
  ]);
});

test("exit codes: 2 when what was asked for has to change, what a shell says of a command that did not end itself, else 1", () => {
  const special = such(({ exitCode }) => exitCode > 2).map((code) => [code, factsOf(code).exitCode]);
  expect(special).toEqual([
    ["task.command_not_executable", 126],
    ["task.command_not_found", 127],
    ["task.input_timeout", 124],
    ["task.timeout", 124],
  ]);
  expect(such(({ exitCode }) => exitCode === 2)).toEqual(such(({ who }) => who === "caller"));
  expect(such(({ who }) => who === "caller")).toEqual(
    expect.arrayContaining([
      "account_profile.not_found",
      "account_profile.provider_mismatch",
      "adapter.unsupported",
      "backend.not_found",
      "configuration.invalid",
      "idempotency.conflict",
      "input.invalid",
      "policy.denied",
      "runtime_profile.not_found",
      "task.not_found",
    ]),
  );
});

test("what certainly never reached a worker", () => {
  expect(such(({ delivered }) => delivered === "no")).toEqual([
    "account_profile.credential_source_unknown",
    "platform.access_denied",
    "platform.conflict",
    "platform.credentials",
    "platform.invalid_request",
    "platform.not_found",
    "platform.not_ready",
    "platform.quota_exceeded",
    "platform.refused",
    "platform.runtime_not_found",
    "platform.stood_still",
    "platform.throttled",
    "platform.too_many_files",
    "platform.unreachable",
    "session.closed",
    "worker.did_not_start",
    "worker.gone",
    "worker.unknown_session",
  ]);
});

test("a family says who failed", () => {
  for (const code of codes) {
    const { who } = factsOf(code);
    if (/^(task|worker|platform)\.other$/.test(code)) expect(code).toBe(`${who}.other`);
    if (code.startsWith("worker.")) expect(who).toBe("worker");
    if (code.startsWith("platform.")) expect(who).toBe("platform");
  }
});

test.each([
  ["worker.lost", "worker.lost"],
  ["worker.on_fire", "worker.other"],
  ["task.agent_bored", "task.other"],
  ["platform.eclipsed", "platform.other"],
  ["policy.too_expensive", "caller.other"],
  ["quantum.decoherence", "platform.other"],
  ["hasOwnProperty", "platform.other"],
])("the code %s of another version is %s here", (code, known) => {
  expect(nearestCode(code)).toBe(known);
});

test("the page of error codes has every code, as it is in the table, with what to do", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/ERRORS.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const facts = codes.map((code) => {
    const { who, retryable, exitCode, httpStatus, delivered = "" } = factsOf(code);
    return `| \`${code}\` | ${who} | ${retryable ? "yes" : "no"} | ${exitCode} | ${httpStatus} | ${delivered} |`;
  });
  expect(rows.map((row) => `${row.split("|").slice(0, 7).join("|")}|`)).toEqual(facts);
  for (const row of rows) expect(row).toMatch(/\| \w[^|]{9,} \|$/);
});

test("a code outside the table does not compile, nor one thrown as what it is not", () => {
  expectTypeOf<"worker.on_fire">().not.toExtend<ErrorCode>();
  expectTypeOf<"worker.lost">().not.toExtend<RefusedCode>();
  expectTypeOf<"policy.denied">().not.toExtend<RetryableCode>();
  expectTypeOf(RefusedError).constructorParameters.toExtend<[RefusedCode, ...unknown[]]>();
  expectTypeOf(RetryableError).constructorParameters.toExtend<[RetryableCode, ...unknown[]]>();
  expectTypeOf<Problem["code"]>().toEqualTypeOf<ErrorCode>();
});
