/** docs/COSTS.md, and what a task of five minutes may cost. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import estimated from "../../lib/contract/costs/control-plane.json" with { type: "json" };
import counted from "./counts.json" with { type: "json" };
import { type Counts, TYPICAL_MINUTES } from "./counts.ts";
import { taskAmong } from "./lengths.ts";
import { page } from "./page.ts";
import { points } from "./points.ts";
import { billOf, totalOf } from "./price.ts";
import { targets } from "./virtual-cloud.ts";

const counts = counted as Counts;
const root = join(import.meta.dirname, "../..");
/** Of the control plane, for a task of five minutes, in US dollars. */
const MOST_USD = 0.004;
/** Events that an execution may have here; Step Functions allows 25,000. */
const MOST_HISTORY = 20_000;

describe("docs/COSTS.md", () => {
  it("is what npm run costs prints, of what was counted", () => {
    expect(readFileSync(join(root, "docs/COSTS.md"), "utf8")).toBe(page(counts));
  });

  it("and what the estimate of a task is read from are of the same counts", () => {
    expect(estimated).toEqual(points(counts));
  });
});

describe.each([...targets])("the control plane of a task of five minutes, %s", (target) => {
  it.each([
    ["for which nobody waits", false],
    ["while a caller waits for it", true],
  ])("costs $0.004 at most, %s", (_, waits) => {
    const bill = billOf(taskAmong(counts.tasks, TYPICAL_MINUTES, target, waits));
    expect(totalOf(bill), JSON.stringify(bill)).toBeLessThanOrEqual(MOST_USD);
  });
});

it("stays within the history of one execution, however long a task is", () => {
  for (const { history, minutes } of counts.tasks) expect(history, `${minutes}`).toBeLessThan(MOST_HISTORY);
});
