import { expect, test } from "vitest";
import { runQuery } from "./logs-insights.ts";

const lines = [
  { "@timestamp": "2026-01-01T00:00:00.000Z", kind: "a", ms: 10, name: "x" },
  { "@timestamp": "2026-01-01T00:00:01.000Z", kind: "a", ms: 30 },
  { "@timestamp": "2026-01-01T00:20:00.000Z", kind: "b", ms: 20, name: "y" },
];

test("filters, sorts and limits", () => {
  expect(runQuery('filter kind in ["a", "c"] and ispresent(name)', lines)).toEqual([lines[0]]);
  expect(runQuery("sort ms desc | limit 1", lines)).toEqual([lines[1]]);
  expect(runQuery('fields coalesce(name, kind) as who\n| filter who = "a"', lines)).toMatchObject([{ ms: 30 }]);
});

test("counts by group and by time", () => {
  const query =
    "stats count(*) as times, max(ms) as longest, pct(ms, 50) as half, latest(name) as last by kind | sort kind asc";
  expect(runQuery(query, lines)).toEqual([
    { kind: "a", times: 2, longest: 30, half: 10, last: "x" },
    { kind: "b", times: 1, longest: 20, half: 20, last: "y" },
  ]);
  expect(runQuery("stats count(*) as times by bin(15m)", lines)).toHaveLength(2);
});

test.each([
  "parse @message /x/",
  "fields mss",
  "filter kind ~ 1",
  "stats avg(ms) as mean",
  'filter kind = "a" | stats count(*) as n | sort kind asc',
])("refuses what it does not know: %s", (query) => {
  expect(() => runQuery(query, lines)).toThrow(/unknown|no line has/);
});
