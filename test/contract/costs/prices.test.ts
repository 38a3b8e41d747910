import { expect, test } from "vitest";
import { sessionUsd } from "../../../lib/contract/costs/compute.ts";
import { prices, pricesDate } from "../../../lib/contract/costs/prices.ts";

test("each price is of a day, and of a public page", () => {
  expect(Date.parse(pricesDate)).toBeGreaterThan(Date.parse("2026-01-01"));
  for (const [name, { usd, unit, source, read }] of Object.entries(prices)) {
    expect(usd, name).toBeGreaterThan(0);
    expect(unit, name).not.toBe("");
    expect(new URL(source).hostname, name).toMatch(/(^|\.)(aws\.amazon|amazonaws)\.com$/);
    expect(read, name).toMatch(/20\d\d/);
  }
});

test("a session costs between what a machine does that waits and what one does that is busy", () => {
  const hour = sessionUsd(3600);
  expect(hour.least).toBeCloseTo(0.128 * 0.00945, 9);
  expect(hour.most).toBeCloseTo(2 * 0.0895 + 8 * 0.00945, 9);
  // By the second, and at least one.
  expect(sessionUsd(1800.4).most).toBeCloseTo((hour.most * 1801) / 3600, 9);
  expect(sessionUsd(0).most).toBeCloseTo(hour.most / 3600, 12);
  expect(sessionUsd(3600, "V2").most).toBeGreaterThan(hour.most);
});
