/** What docs/COSTS.md is computed from still holds: the same tasks are counted anew. */
import { describe, expect, it } from "vitest";
import { countTask } from "./count.ts";
import counted from "./counts.json" with { type: "json" };
import { type Counts, TYPICAL_MINUTES } from "./counts.ts";
import { taskAmong } from "./lengths.ts";
import { billOf, totalOf } from "./price.ts";
import { targets } from "./virtual-cloud.ts";

const { tasks } = counted as Counts;
/** Sizes of items are a little different each time, by what is random in them. */
const SLACK = 0.1;

describe.each([...targets])("a task of five minutes, %s", (target) => {
  it("passes the states that were counted, holds its functions as long, and costs what is said", async () => {
    const before = taskAmong(tasks, TYPICAL_MINUTES, target);
    const now = await countTask(TYPICAL_MINUTES, target);
    expect(now.transitions).toBe(before.transitions);
    expect(now.history).toBe(before.history);
    for (const [name, { invocations, heldMs }] of Object.entries(before.functions))
      expect(now.functions[name], name).toMatchObject({ invocations, heldMs });
    const [was, is] = [totalOf(billOf(before)), totalOf(billOf(now))];
    expect(is).toBeGreaterThan(was * (1 - SLACK));
    expect(is).toBeLessThan(was * (1 + SLACK));
  });
});

it("costs no more than is said while a caller waits, who sees its end at once", async () => {
  const before = taskAmong(tasks, TYPICAL_MINUTES, "session", true);
  const now = await countTask(TYPICAL_MINUTES, "session", { waits: true });
  expect(now.functions.mcp?.heldMs).toBeLessThanOrEqual(TYPICAL_MINUTES * 60_000 + 10_000);
  expect(totalOf(billOf(now))).toBeLessThan(totalOf(billOf(before)) * (1 + SLACK));
});
