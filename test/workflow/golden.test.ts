/** The interpreter of the local system does with the definition what another one does: `make-golden.py` says which. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StateMachine } from "aws-local-stepfunctions";
import { describe, expect, test } from "vitest";
import { done } from "../../lib/engine/steps/step.ts";
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import { type Answer, type Scenario, scenarios } from "./scenarios.ts";

type Entered = { state: string; input: unknown };
/** How an execution went: the states that it entered and with what, how often each function was called, and its end. */
type Run = Scenario & { status: string; error?: string; calls: Record<string, number>; entered: Entered[] };

const [, ...golden] = readFileSync(join(import.meta.dirname, "fixtures/golden.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Run);

const machine = new StateMachine(definition as ConstructorParameters<typeof StateMachine>[0], {
  validationOptions: { noValidate: true },
});
const states = Object.entries(definition.States as Record<string, { Type: string; Retry?: unknown[] }>);
const ofType = (type: string) => states.flatMap(([name, { Type }]) => (Type === type ? [name] : []));
const atOnce = (names: string[]) => Object.fromEntries(names.map((name) => [name, 0]));

async function run({ name, answers }: Scenario): Promise<Run> {
  const calls: Record<string, number> = {};
  const left = Object.fromEntries(
    Object.entries(answers).map(([state, given]) => [
      state,
      given.flatMap((answer): Answer[] => Array(answer.times ?? 1).fill(answer)),
    ]),
  );
  const handlers = ofType("Task").map((state) => {
    const handle = async () => {
      calls[state] = (calls[state] ?? 0) + 1;
      const answer = left[state]?.shift() ?? { output: done };
      if ("output" in answer) return answer.output;
      const { error: errorType } = answer;
      const cause = { errorType, errorMessage: `${state} failed`, trace: [] };
      // Of a time limit of the state itself, nothing is known but that it was reached.
      throw Object.assign(new Error(errorType === "States.Timeout" ? "" : JSON.stringify(cause)), { name: errorType });
    };
    return [state, handle] as const;
  });
  const retryIntervalOverrides = Object.fromEntries(
    states.flatMap(([state, { Retry }]) => (Retry ? [[state, Retry.map(() => 0)]] : [])),
  );
  const { result, eventLogs } = machine.run(
    { id: "task_1", n: 1 },
    {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(handlers),
        waitTimeOverrides: atOnce(ofType("Wait")),
        retryIntervalOverrides,
      },
    },
  );
  const entered: Entered[] = [];
  let ended: Pick<Run, "status" | "error"> = { status: "SUCCEEDED" };
  // The events say how it ended, and why.
  result.catch(() => {});
  for await (const event of eventLogs) {
    if (event.type === "StateEntered") entered.push({ state: event.state.name, input: event.state.input });
    if (event.type === "ExecutionFailed") ended = { status: "FAILED", error: event.Error };
  }
  return { name, answers, ...ended, calls, entered };
}

test("the other interpreter has run every scenario as it is now", () => {
  const asked = (all: Scenario[]) => all.map(({ name, answers }) => ({ name, answers }));
  expect(asked(golden), "run make-golden.py").toEqual(JSON.parse(JSON.stringify(scenarios)));
  expect(scenarios.length).toBeGreaterThanOrEqual(48);
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
});

test("every state is entered, and each kind of end reached", () => {
  const entered = new Set(golden.flatMap((each) => each.entered.map(({ state }) => state)));
  expect([...entered].sort()).toEqual(states.map(([name]) => name).sort());
  expect(new Set(golden.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED", "FAILED"]));
});

describe("both do the same", () => {
  test.each(golden)("$name", async (expected) => {
    expect(await run(expected)).toEqual(expected);
  });
});
