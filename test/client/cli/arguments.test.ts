import { expect, test } from "vitest";
import { collectPairs, parseCount, parsePort, parseSeconds } from "../../../lib/client/cli/arguments.ts";

test.each([
  ["90s", 90],
  ["5m", 300],
  ["2h", 7200],
  ["1h30m", 5400],
  ["1h1m1s", 3661],
  ["45", 45],
])("%s is %d seconds", (text, seconds) => {
  expect(parseSeconds(text)).toBe(seconds);
});

test.each(["", "0", "0s", "-5s", "5x", "s", "1m1h", "1.5h", "99999999", " 5s"])("%j is no time span", (text) => {
  expect(() => parseSeconds(text)).toThrow("90s");
});

test("ports and counts have their bounds", () => {
  expect(parsePort("0")).toBe(0);
  expect(parsePort("65535")).toBe(65_535);
  for (const text of ["65536", "-1", "x", "", "1e3"]) expect(() => parsePort(text)).toThrow("65535");
  expect(parseCount(100)("100")).toBe(100);
  for (const text of ["0", "101", "x", ""]) expect(() => parseCount(100)(text)).toThrow("from 1 to 100");
});

test("pairs are collected, with the first = as the divider and the last value of a name", () => {
  const pairs = ["A=1", "B=x=y", "C=", "A=2"].reduce<Record<string, string> | undefined>(
    (earlier, text) => collectPairs(text, earlier),
    undefined,
  );
  expect(pairs).toEqual({ A: "2", B: "x=y", C: "" });
  expect(Object.keys(collectPairs("__proto__=x", undefined))).toEqual(["__proto__"]);
  for (const text of ["A", "=x", ""]) expect(() => collectPairs(text, undefined)).toThrow("NAME=value");
});
