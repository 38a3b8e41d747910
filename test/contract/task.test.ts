import fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { type Problem, TransitionRefusedError } from "../../lib/contract/errors.ts";
import { isTerminal, type Status, statuses, transitions } from "../../lib/contract/lifecycle.ts";
import { isSettled, type OwnOf, RETENTION_DAYS, type Task, transition, without } from "../../lib/contract/task.ts";
import { newTaskId, randomHex, taskIdSchema } from "../../lib/contract/task-id.ts";
import { stamp } from "../../lib/store/stamp.ts";
import { makeTask, moved, withFields } from "./make-task.ts";

const anyStatus = fc.constantFrom(...statuses);
const obligations = fc.constantFrom(
  {},
  { slot: "local" },
  { session: "s" },
  { runtime: "r" },
  { slot: "a", session: "b" },
);
const ms = fc.integer({ min: 0, max: 4e12 });

test("an id is always new, and is its own proof of form", () => {
  const ids = Array.from({ length: 1000 }, newTaskId);
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(taskIdSchema.parse(id)).toBe(id);
  expect(randomHex(3)).toMatch(/^[0-9a-f]{6}$/);
});

test("nothing else passes as an id", () => {
  const hostile = fc.constantFrom("", "\n", " ", "/../", "\0", "A", "-", "task_", "%00", "'", "é");
  fc.assert(
    fc.property(fc.nat({ max: 36 }), hostile, (at, insert) => {
      const id = newTaskId();
      const changed = id.slice(0, at) + insert + id.slice(at + insert.length + 1);
      expect(taskIdSchema.safeParse(changed).success).toBe(false);
      expect(taskIdSchema.safeParse(`${id}\n`).success).toBe(false);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => !taskIdSchema.safeParse(text).success));
});

test("a transition changes status and phases of a copy, or refuses", () => {
  fc.assert(
    fc.property(anyStatus, anyStatus, ms, (from, to, nowMs) => {
      const task = Object.freeze(
        makeTask({ status: from, phases: Object.freeze({ [from]: "2026-01-01T00:00:00.000Z" }) }),
      );
      if (!transitions[from].includes(to)) {
        expect(() => moved(task, to, nowMs)).toThrow(TransitionRefusedError);
        return;
      }
      const at = new Date(nowMs).toISOString();
      const { inputRequests: _, ...kept } = task;
      expect(moved(task, to, nowMs)).toEqual(
        withFields(kept as Task, { status: to, phases: { ...task.phases, [to]: at } }),
      );
    }),
  );
});

test("what a task of a status has to have is asked for by the compiler", () => {
  type In<S extends Task["status"]> = Extract<Task, { status: S }>;
  expectTypeOf<In<"failed">>().toExtend<Task>();
  expectTypeOf<In<"failed">["error"]>().toEqualTypeOf<Problem>();
  expectTypeOf<Omit<In<"failed">, "error">>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"succeeded">, "outcome">>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"completing">, "outcome">>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"input_required">, "inputRequests">>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"queued">, "version">>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"queued">, "status"> & { status: "failed" }>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"running">, "result"> & { result: string }>().not.toExtend<Task>();
  expectTypeOf<Omit<In<"succeeded">, "error"> & { error: Problem }>().not.toExtend<Task>();

  expectTypeOf(transition<"failed">)
    .parameter(3)
    .toEqualTypeOf<OwnOf<"failed">>();
  expectTypeOf<OwnOf<"failed">["error"]>().toEqualTypeOf<Problem>();
  expectTypeOf<[Task, "failed", number]>().not.toExtend<Parameters<typeof transition<"failed">>>();
  expectTypeOf<[Task, Status, number]>().not.toExtend<Parameters<typeof transition<Status>>>();
  expectTypeOf<[Task, "running", number]>().toExtend<Parameters<typeof transition<"running">>>();
});

test("a task is settled once it is terminal and owes nothing; only then may it be forgotten", () => {
  fc.assert(
    fc.property(anyStatus, obligations, ms, (status, obligations, nowMs) => {
      const task = Object.freeze(
        makeTask({ status, obligations, dueAtMs: 5, lease: { holder: "h", untilMs: 9 }, revision: 3 }),
      );
      const stamped = stamp(task, nowMs);
      expect(isSettled(task)).toBe(isTerminal(status) && Object.keys(obligations).length === 0);
      expect(stamped).toMatchObject({ revision: 4, updatedAt: new Date(nowMs).toISOString() });
      if (isSettled(task)) {
        expect(stamped).not.toHaveProperty("dueAtMs");
        expect(stamped).not.toHaveProperty("lease");
        expect(stamped.expiresAtSeconds).toBeGreaterThanOrEqual(nowMs / 1000 + RETENTION_DAYS * 86_400);
      } else {
        expect(stamped).toMatchObject({ dueAtMs: 5, lease: { holder: "h" } });
        expect(stamped).not.toHaveProperty("expiresAtSeconds");
      }
    }),
  );
});

test("leaving fields out leaves the original as it was", () => {
  const value = Object.freeze({ a: 1, b: 2, c: 3 });
  expect(without(value, "a", "c")).toEqual({ b: 2 });
});
