/** What a task's record says that it costs. */
import { expect, test } from "vitest";
import { estimateOf } from "../../../lib/backends/agentcore/estimate.ts";
import { sessionUsd } from "../../../lib/contract/costs/compute.ts";
import counted from "../../../lib/contract/costs/control-plane.json" with { type: "json" };
import { controlPlaneUsd } from "../../../lib/contract/costs/control-plane.ts";
import { prices, pricesDate } from "../../../lib/contract/costs/prices.ts";
import { FIRST_WORKER_SEQUENCE } from "../../../lib/contract/worker.ts";
import { makeTask, type TaskFields } from "../../contract/make-task.ts";

const startedAt = Date.UTC(2026, 10, 22, 9);
const at = (minutes: number) => new Date(startedAt + minutes * 60_000).toISOString();
const mine = { ownRuntimeArn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/mine-AbCdEf1234" };
const ended = (minutes: number, overrides: TaskFields = {}) =>
  makeTask({
    backend: "aws-agentcore",
    status: "succeeded",
    target: { mode: "runtime" },
    phases: { queued: at(-90), starting: at(0), running: at(0), succeeded: at(minutes) },
    updatedAt: at(minutes + 60),
    ...overrides,
  });
const nothingTold = { events: 0, logBytes: 0 };

test("a task that has ended says what it cost, from its session's beginning to its end, and that this is an estimate", () => {
  expect(estimateOf(ended(5), {})).toEqual({
    controlPlaneUsd: counted.reused[1]?.[1],
    computeUsdAtMost: Number(sessionUsd(300).most.toFixed(6)),
    pricesOf: pricesDate,
    estimated: true,
  });
});

test("one that runs says what it costs so far, and one that has no session yet says nothing", () => {
  const phases = { queued: at(-90), starting: at(0), running: at(0) };
  const running = ended(0, { status: "running", phases, updatedAt: at(10) });
  expect(estimateOf(running, {})?.computeUsdAtMost).toBeCloseTo(sessionUsd(600).most, 5);
  expect(estimateOf(makeTask({ target: { mode: "runtime" } }), {})).toBeUndefined();
});

test("a control plane on one machine costs nothing; a runtime that others made may be of the dearer version", () => {
  expect(estimateOf(ended(5), { asCaller: true })).not.toHaveProperty("controlPlaneUsd");
  const onRuntime = (runtimeArn: string) => ended(60, { target: { mode: "session", details: { runtimeArn } } });
  expect(estimateOf(onRuntime(mine.ownRuntimeArn), mine)?.computeUsdAtMost).toBeCloseTo(sessionUsd(3600).most, 5);
  expect(estimateOf(onRuntime(`${mine.ownRuntimeArn}2`), mine)?.computeUsdAtMost).toBeCloseTo(
    sessionUsd(3600, "V2").most,
    5,
  );
});

test("what a worker tells costs a write unit for each event and kilobyte", () => {
  const silent = controlPlaneUsd(5, "session", nothingTold);
  const logBytes = 16 * 1024 * 1024;
  expect(controlPlaneUsd(5, "session", { events: 1000, logBytes }) - silent).toBeCloseTo(
    (1000 + 16 * 1024) * prices.writeUnit.usd,
    9,
  );
  const workerSequence = FIRST_WORKER_SEQUENCE + 999;
  expect(estimateOf(ended(5, { workerSequence, logBytes }), {})?.controlPlaneUsd).toBeGreaterThan(0.01);
});

test("a runtime of its own costs more, a longer task too, and between the lengths that were counted it is a line", () => {
  for (const target of ["session", "reused", "own"] as const) {
    const usd = (minutes: number) => controlPlaneUsd(minutes, target, nothingTold);
    expect(usd(0)).toBe(usd(1));
    expect(usd(35)).toBeCloseTo((usd(10) + usd(60)) / 2, 9);
    const lengths = [1, 3, 5, 8, 10, 30, 60, 200, 450, 480].map(usd);
    expect(lengths).toEqual(lengths.toSorted((one, other) => one - other));
  }
  const own = ended(5, { target: { mode: "runtime", details: { reuse: false } } });
  expect(estimateOf(own, {})?.controlPlaneUsd).toBe(counted.own[1]?.[1]);
});
