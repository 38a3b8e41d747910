import validate from "asl-validator";
import { describe, expect, it } from "vitest";
import { steps } from "../../lib/engine/steps/index.ts";
import { done } from "../../lib/engine/steps/step.ts";
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };

type Retrier = Record<"IntervalSeconds" | "BackoffRate" | "MaxAttempts" | "MaxDelaySeconds", number> & {
  ErrorEquals: string[];
};
/** How long a retrier with jitter goes on, on average: jitter halves a pause. */
function secondsOf(retrier: Retrier | undefined): number {
  if (!retrier) return 0;
  const { IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds } = retrier;
  const pauses = Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** n),
  );
  return pauses.reduce((sum, seconds) => sum + seconds / 2, 0);
}

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

  it.each(ofType("Task"))("%s has a time limit, retries, and writes beside its input", (_name, state) => {
    expect(state.TimeoutSeconds).toBeLessThanOrEqual(900);
    expect(state.ResultPath).toBe("$.step");
    expect((state.Retry as Retrier[]).at(-1)?.ErrorEquals).toEqual(["States.ALL"]);
    for (const { ResultPath } of (state.Catch ?? []) as { ResultPath: unknown }[])
      expect(["$.failure", null]).toContain(ResultPath);
  });

  it("cleans up for an hour while it is throttled", () => {
    expect(secondsOf(definition.States.Cleanup.Retry[0])).toBeGreaterThanOrEqual(3600);
  });

  it.each(ofType("Task").filter(([name]) => !["Watch", "Cleanup"].includes(name)))(
    "%s outlasts minutes of throttling by Lambda, whatever else goes wrong",
    (_name, state) => {
      const retries = state.Retry as Retrier[];
      const throttling = retries.findIndex(({ ErrorEquals }) =>
        ErrorEquals.includes("Lambda.TooManyRequestsException"),
      );
      expect(retries.slice(throttling + 1).map(({ ErrorEquals }) => ErrorEquals)).toEqual([["States.ALL"]]);
      expect(retries[throttling]?.ErrorEquals).toHaveLength(1);
      expect(secondsOf(retries[throttling])).toBeGreaterThanOrEqual(300);
    },
  );

  it("tries the call of a contract-less runtime again after the pause that follows a failed look, and not while it may last", () => {
    const { Retry } = definition.States.SynchronousCall;
    expect(Retry[0]).toEqual({ ErrorEquals: ["StepRefused", "States.Timeout"], MaxAttempts: 0 });
    expect(Retry.at(-1)).toMatchObject({ IntervalSeconds: 2, MaxAttempts: 4 });
    expect(Retry.at(-1)).not.toHaveProperty("JitterStrategy");
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
      "SynchronousCall -> Fail",
      "Watch -> PauseAfterTrouble",
      "Complete -> Fail",
    ]);
    const intoDone = states.filter(([, state]) => [state.Next, state.Default].includes("Done")).map(([name]) => name);
    expect(intoDone).toEqual(["IsClean"]);
  });
});
