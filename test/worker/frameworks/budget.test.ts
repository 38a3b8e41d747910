import { expect, test } from "vitest";
import { Budget } from "../../../worker/frameworks/budget.ts";
import { listPriceUsd } from "../../../worker/frameworks/prices.ts";

const million = { inputTokens: 1_000_000, outputTokens: 1_000_000, cachedTokens: 500_000 };

test.each([
  ["claude-haiku-4-5", 0.5 + 0.05 + 5],
  ["us.anthropic.claude-haiku-4-5-20251001-v1:0", 0.5 + 0.05 + 5],
  ["anthropic/claude-haiku-4-5", 0.5 + 0.05 + 5],
  ["gpt-5.5", 2.5 + 0.25 + 30],
  ["gpt-5.5-2026-04-23", 2.5 + 0.25 + 30],
  ["gemini-2.5-pro", 0.625 + 0.0625 + 10],
  ["amazon.nova-lite-v1:0", 0.03 + 0.0075 + 0.24],
])("%s has its list price, whatever stands around its name", (model, usd) => {
  expect(listPriceUsd(model, million)).toBeCloseTo(usd, 9);
});

test.each(["gpt-5.5-turbo", "claude", "constructor", ""])(
  "%j has none: a name that begins alike is another",
  (model) => {
    expect(listPriceUsd(model, million)).toBeUndefined();
  },
);

const budgetOf = (limits: object, model?: string, watchesCost = false) => {
  const notes: string[] = [];
  return { notes, budget: new Budget(limits, { model, watchesCost, note: (text) => notes.push(text) }) };
};

test("a budget in dollars is watched by what a program says it costs, else by the list price", () => {
  const { budget, notes } = budgetOf({ maxBudgetUsd: 1 }, "gpt-5.5");
  expect(budget.exceededBy({ inputTokens: 100_000 })).toBeUndefined();
  expect(budget.exceededBy({ inputTokens: 300_000 })).toMatchObject({ code: "task.budget", details: { costUsd: 1.5 } });
  expect(budget.exceededBy({ inputTokens: 300_000, costUsd: 0.1 })).toBeUndefined();
  expect(budget.exceededBy({ inputTokens: 300_000, model: "gpt-5.4-nano" })).toBeUndefined();
  expect(notes).toEqual([]);
});

test("without a price it says so, once, and tokens bound it", () => {
  const { budget, notes } = budgetOf({ maxBudgetUsd: 0.01, maxTokens: 1000 }, "llama-of-mine");
  expect(budget.exceededBy({ inputTokens: 900, outputTokens: 100 })).toBeUndefined();
  expect(budget.exceededBy({ inputTokens: 900, outputTokens: 50 })).toBeUndefined();
  expect(notes).toEqual([
    expect.stringMatching(/llama-of-mine is not known \(prices of 20\d\d-\d\d-\d\d\).*maxTokens/),
  ]);
  expect(budget.exceededBy({ inputTokens: 900, outputTokens: 101 })).toMatchObject({
    code: "task.budget",
    details: { tokens: 1001, maxTokens: 1000 },
  });
});

test("a program that keeps to its budget itself is left alone, but for its tokens", () => {
  const { budget } = budgetOf({ maxBudgetUsd: 0.01, maxTokens: 2_000_000 }, "gpt-5.5", true);
  expect(budget.exceededBy({ inputTokens: 1_000_000 })).toBeUndefined();
  expect(budget.exceededBy({ inputTokens: 3_000_000 })).toMatchObject({ code: "task.budget" });
});
