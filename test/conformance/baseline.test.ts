import { expect, test } from "vitest";
import { judge } from "./baseline.ts";
import type { Check } from "./official-tool.ts";

const check = (id: string, status: Check["status"]): Check => ({ id, status, description: id });
const scenario = { name: "one", checks: [check("good", "SUCCESS"), check("bad", "FAILURE"), check("odd", "WARNING")] };

test.each([
  ["nothing", [], "unexpected", ["bad: bad", "odd: odd"]],
  ["the scenario", ["one"], "expected", []],
  ["all that fails", ["one:bad", "one:odd"], "expected", []],
  ["a part of it", ["one:bad"], "unexpected", ["odd: odd"]],
  ["another scenario", ["two", "two:bad"], "unexpected", ["bad: bad", "odd: odd"]],
  ["what passes too", ["one", "one:good"], "unexpected", ["one:good passes: take it out of the baseline"]],
] as const)("a scenario that fails, where the baseline names %s", (_what, baseline, outcome, notes) => {
  expect(judge(scenario, baseline)).toMatchObject({ outcome, notes, passedChecks: 1 });
});

test("a scenario that passes must not be in the baseline", () => {
  const passing = { name: "one", checks: [check("good", "SUCCESS"), check("told", "INFO")] };
  expect(judge(passing, [])).toMatchObject({ outcome: "passed", notes: [], met: [] });
  expect(judge(passing, ["one"])).toMatchObject({ outcome: "unexpected", met: [] });
});

test("what the tool left out is neither passed nor failed", () => {
  expect(judge({ name: "one", checks: [check("left-out", "SKIPPED")] }, [])).toMatchObject({ outcome: "unjudged" });
});
