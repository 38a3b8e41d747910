import { expect, test } from "vitest";
import {
  DispatchError,
  InvalidInputError,
  MayHaveRunError,
  RefusedError,
  RetryableError,
  TransitionRefusedError,
  taskNotFound,
  taskTerminal,
  toProblem,
  WorkerGoneError,
} from "../../lib/contract/errors.ts";
import { problemSchema } from "../../lib/contract/said-problem.ts";

test.each([
  [new RefusedError("policy.denied", "no"), false],
  [new RetryableError("platform.throttled", "later"), true],
  [new TransitionRefusedError("queued", "succeeded"), false],
  [new InvalidInputError([{ path: "a", message: "b" }]), false],
  [new WorkerGoneError("gone"), true],
  [taskNotFound("task_1"), false],
  [taskTerminal("task_1", "failed"), false],
])("%s says whether to retry, and travels as a problem", (error, retryable) => {
  expect(error).toBeInstanceOf(DispatchError);
  expect(error.retryable).toBe(retryable);
  expect(problemSchema.parse(error.problem)).toEqual(toProblem(error));
  expect(error.name).toBe(error.constructor.name);
});

test("neither stack nor cause travels, but the cause is kept", () => {
  const cause = new Error("the secret is hunter2");
  const error = new RetryableError("platform.store_unavailable", "the store does not answer", { cause, hint: "wait" });
  expect(error.cause).toBe(cause);
  expect(error.problem).toEqual({
    code: "platform.store_unavailable",
    message: "the store does not answer",
    retryable: true,
    hint: "wait",
  });
});

test.each([[new Error("hunter2")], ["hunter2"], [undefined], [{ code: "hunter2" }]])(
  "what is not ours says nothing of itself: %o",
  (thrown) => {
    expect(toProblem(thrown)).toMatchObject({ code: "platform.internal", retryable: true });
    expect(JSON.stringify(toProblem(thrown))).not.toContain("hunter2");
  },
);

test("all mistakes are kept, and a great many still make a message of bounded length", () => {
  const issues = Array.from({ length: 1000 }, (_, i) => ({ path: `field${i}`, message: "x".repeat(1000) }));
  const error = new InvalidInputError(issues);
  expect(error.issues).toEqual(issues);
  expect(problemSchema.safeParse(error.problem).success).toBe(true);
  expect(error.problem.details).toEqual({ issues: issues.slice(0, 20) });
  expect(new InvalidInputError(issues.slice(0, 22).map(({ path }) => ({ path, message: "m" }))).message).toMatch(
    /^field0: m; field1: m; .*; field19: m; and 2 more$/,
  );
});

test("a copy says something else, and is what it was a copy of", () => {
  const cause = new Error("hunter2");
  const gone = new WorkerGoneError("gone", { isCertain: false, hint: "look", details: { a: 1 }, cause });
  const copy = gone.with({ message: "gone; it printed nothing", details: { a: 2 } });
  expect(copy).toBeInstanceOf(WorkerGoneError);
  expect(copy).toMatchObject({ isCertain: false, cause, hint: "look", name: "WorkerGoneError" });
  expect(copy.problem).toEqual({ ...gone.problem, message: "gone; it printed nothing", details: { a: 2 } });
  expect(String(copy)).toBe("WorkerGoneError: gone; it printed nothing");
  expect(gone).toMatchObject({ message: "gone", details: { a: 1 } });
  expect(copy.with({ hint: undefined }).problem).not.toHaveProperty("hint");
});

test("a job that may have run is not run again blindly, whatever its code says otherwise", () => {
  const { problem } = new MayHaveRunError("worker.lost", "it broke", { hint: "see its log" });
  expect(problem).toMatchObject({ code: "worker.lost", retryable: false });
  expect(problem.hint).toMatch(/may have run.*; see its log$/);
});

test("a problem of another version is read as the nearest that is known", () => {
  const said = { code: "task.agent_bored", message: "nothing to do", retryable: true, details: { a: 1 } };
  const known = { ...said, code: "task.other", details: { a: 1, code: "task.agent_bored" } };
  expect(problemSchema.parse(said)).toEqual(known);
  expect(problemSchema.parse(known)).toEqual(known);
  const ours = { code: "worker.lost", message: "gone", retryable: false } as const;
  expect(problemSchema.parse(ours)).toEqual(ours);
});
