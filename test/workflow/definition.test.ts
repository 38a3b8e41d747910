import validate from "asl-validator";
import { describe, expect, it } from "vitest";
import definition from "../../lambdas/workflow/dispatch.asl.json" with { type: "json" };
import { steps } from "../../lambdas/workflow/steps/index.ts";
import { done } from "../../lambdas/workflow/steps/step.ts";

type State = Record<string, unknown> & { Type: string };
const states = Object.entries(definition.States as Record<string, State>);
const ofType = (type: string) => states.filter(([, state]) => state.Type === type);

/** Everything outside this list behaves differently on one machine, or is ignored there without a word. */
const allowedFields: Record<string, readonly string[]> = {
  Task: ["Resource", "TimeoutSeconds", "ResultPath", "Retry", "Catch", "Next"],
  Choice: ["Choices", "Default"],
  Wait: ["Seconds", "SecondsPath", "Next"],
  Succeed: [],
};

describe("the definition", () => {
  it("is valid Amazon States Language once the functions are filled in", () => {
    const text = JSON.stringify(definition).replaceAll(
      /\$\{(\w+)\}/g,
      "arn:aws:lambda:us-west-2:123456789012:function:$1",
    );
    expect(validate(JSON.parse(text))).toMatchObject({ isValid: true, errors: [] });
  });

  it("has a step for every task state, and a task state for every step", () => {
    expect(
      ofType("Task")
        .map(([name]) => name)
        .sort(),
    ).toEqual(Object.keys(steps).sort());
    for (const [name, state] of ofType("Task")) expect(state.Resource).toBe(`\${${name}Function}`);
  });

  it.each(states)("%s stays inside what both engines do alike", (_name, state) => {
    const allowed = [...(allowedFields[state.Type] ?? ["no such type here"]), "Type", "Comment"];
    expect(Object.keys(state).filter((field) => !allowed.includes(field))).toEqual([]);
    expect(state.Comment).toMatch(/\S{3}/);
  });

  it.each(ofType("Task"))("%s has a time limit, retries, and writes beside its input", (name, state) => {
    expect(state.TimeoutSeconds).toBeLessThanOrEqual(900);
    expect(state.ResultPath).toBe("$.step");
    const retries = state.Retry as { ErrorEquals: string[]; JitterStrategy?: string }[];
    // The call of a foreign runtime may have run, and must not run twice.
    const retried = name === "InvokeForeign" ? "Lambda.TooManyRequestsException" : "States.ALL";
    expect(retries.at(-1)?.ErrorEquals).toEqual([retried]);
    for (const { ResultPath } of (state.Catch ?? []) as { ResultPath: unknown }[])
      expect(["$.failure", null]).toContain(ResultPath);
  });

  it("cleans up for an hour while it is throttled", () => {
    const [{ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds }] = definition.States.Cleanup.Retry as [
      (typeof definition.States.Cleanup.Retry)[0],
    ];
    const pauses = Array.from({ length: MaxAttempts }, (_, n) =>
      Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** n),
    );
    // Jitter halves a pause on average.
    expect(pauses.reduce((sum, seconds) => sum + seconds / 2, 0)).toBeGreaterThanOrEqual(3600);
  });

  it.each(ofType("Choice"))("%s compares only what is always there", (_name, state) => {
    const always = Object.keys(done).map((name) => `$.step.${name}`);
    for (const choice of state.Choices as Record<string, unknown>[]) {
      expect(choice).toEqual({ Variable: expect.any(String), BooleanEquals: true, Next: expect.any(String) });
      expect(always).toContain(choice.Variable);
    }
  });

  it("leads every failure to Fail or back to Watch, and everything through Cleanup", () => {
    const catches = states.flatMap(([name, state]) =>
      ((state.Catch ?? []) as { Next: string }[]).map(({ Next }) => `${name} -> ${Next}`),
    );
    expect(catches).toEqual([
      "Provision -> Fail",
      "AwaitReady -> Fail",
      "Start -> Fail",
      "InvokeForeign -> Fail",
      "Watch -> PauseAfterTrouble",
      "Complete -> Fail",
    ]);
    const intoDone = states.filter(([, state]) => [state.Next, state.Default].includes("Done")).map(([name]) => name);
    expect(intoDone).toEqual(["IsClean"]);
  });
});
