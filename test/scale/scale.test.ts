import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { demandOf, watchSeconds } from "./demand.ts";
import { usesOf } from "./quotas.ts";
import { demandTable, loads, quotaTable } from "./table.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/SCALE.md"), "utf8");

describe("docs/SCALE.md", () => {
  it("has the tables as they are computed", () => {
    expect(page).toContain(demandTable());
    expect(page).toContain(quotaTable());
  });

  it("says for how long Watch holds a function, and how often it looks after that", () => {
    const { held } = watchSeconds(3600);
    expect(page).toContain(`the first ${held} seconds of each job`);
    const [ten, hour, longest] = [600, 3600, 27_000].map((seconds) => watchSeconds(seconds).visits);
    expect(page.replaceAll(/\s+/g, " ")).toContain(
      `${ten} of them in ten minutes, ${hour} in an hour, ${longest} in seven and a half hours`,
    );
  });

  it("names what is met first", () => {
    const first = (tasksPerDay: number) =>
      usesOf({ tasksPerDay, minutes: 10, hours: 8 })
        .filter(({ quota }) => quota.most !== 10 && !quota.name.includes("reuse: false"))
        .sort((one, other) => other.part - one.part)
        .map(({ quota }) => quota.name)[0];
    expect(first(1000)).toBe("Lambda: concurrent executions");
    expect(first(100_000)).toMatch(/^DynamoDB: .* running tasks of one owner$/);
  });
});

it("grows with tasks and their length alike", () => {
  const [few] = loads;
  if (!few) throw new Error("there are no loads");
  const twice = demandOf({ ...few, tasksPerDay: few.tasksPerDay * 2 });
  expect(twice.running).toBeCloseTo(demandOf({ ...few, minutes: few.minutes * 2 }).running);
  expect(twice.watching).toBeCloseTo(demandOf(few).watching * 2);
});
