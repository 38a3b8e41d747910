import fc from "fast-check";
import { expect, test } from "vitest";
import { problem } from "../../lib/contract/errors.ts";
import { finalEvents, ownEvent, sequences } from "../../lib/contract/events.ts";
import { statuses } from "../../lib/contract/lifecycle.ts";
import type { Task } from "../../lib/contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../lib/contract/worker.ts";
import { makeTask } from "./make-task.ts";

test("the numbers are fixed", () => {
  expect(sequences).toEqual({
    "task.created": 1,
    "task.provisioning": 2,
    "runtime.provisioned": 3,
    "session.created": 4,
    "task.started": 5,
    "task.cancelling": 1_000_000_000,
    "task.result": 1_000_000_001,
    "task.succeeded": 1_000_000_002,
    "task.failed": 1_000_000_002,
    "task.cancelled": 1_000_000_002,
  });
});

test("ours lie below or above the worker's, and only the three ends share a number", () => {
  const entries = Object.entries(sequences);
  for (const [, sequence] of entries) expect(sequence < FIRST_WORKER_SEQUENCE || sequence >= 1e9).toBe(true);
  const others = entries
    .filter(([type]) => !["task.failed", "task.cancelled"].includes(type))
    .map(([, number]) => number);
  expect(new Set(others).size).toBe(others.length);
});

test("an event holds only what it was given", () => {
  expect(ownEvent("task_1", "task.created", 0)).toEqual({
    taskId: "task_1",
    sequence: 1,
    type: "task.created",
    timestamp: "1970-01-01T00:00:00.000Z",
  });
  expect(ownEvent("task_1", "task.started", 0, "go", { a: 1 })).toMatchObject({ message: "go", payload: { a: 1 } });
});

const time = fc
  .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());
const settled: fc.Arbitrary<Task> = fc
  .record({
    status: fc.constantFrom("succeeded", "failed", "cancelled"),
    phases: fc.dictionary(fc.constantFrom(...statuses), time),
    updatedAt: time,
    outcome: fc.option(fc.record({ status: fc.constantFrom("succeeded", "failed", "cancelled"), atMs: fc.nat() })),
  })
  .map(({ outcome, ...fields }) =>
    makeTask({
      ...fields,
      ...(outcome && { outcome }),
      ...(fields.status === "failed" && { error: { code: "task.timeout", message: "too long", retryable: false } }),
    }),
  );

test("the events of the end follow from the settled task alone, in order, and end with its status", () => {
  fc.assert(
    fc.property(settled, (task) => {
      const events = finalEvents(task);
      expect(finalEvents(structuredClone(task))).toEqual(events);
      expect(events.map(({ sequence }) => sequence)).toEqual(
        events.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
      );
      expect(events.at(-1)?.type).toBe(`task.${task.status}`);
      expect(events.some(({ type }) => type === "task.result")).toBe(task.outcome !== undefined);
      expect(events.some(({ type }) => type === "task.cancelling")).toBe(task.phases.cancelling !== undefined);
      for (const event of events)
        expect(event).toMatchObject({ taskId: task.id, timestamp: expect.stringMatching(/Z$/) });
    }),
  );
});

test("a failure's event says who failed; a task that goes on has no event of its end", () => {
  const error = problem("worker.lost", "the worker is gone", { details: { secret: 1 } });
  expect(finalEvents(makeTask({ status: "failed", error }))).toMatchObject([
    { type: "task.created" },
    { type: "task.failed", message: "the worker is gone", payload: { code: "worker.lost" } },
  ]);
  expect(finalEvents(makeTask({ status: "running" }))).toEqual([]);
});

test("a task that ended before its first step could tell that it was made tells it at its end", () => {
  const { createdAt, id } = makeTask();
  const phases = { queued: createdAt, provisioning: createdAt, cancelling: createdAt, cancelled: createdAt };
  expect(finalEvents(makeTask({ id, createdAt, status: "cancelled", phases }))[0]).toEqual(
    ownEvent(id, "task.created", Date.parse(createdAt)),
  );
  const begun = { ...phases, starting: createdAt };
  expect(finalEvents(makeTask({ status: "cancelled", phases: begun }))[0]).toMatchObject({ type: "task.cancelling" });
});
