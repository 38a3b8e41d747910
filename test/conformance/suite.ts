import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Verdict } from "./baseline.ts";
import type { EndpointName } from "./endpoints.ts";
import { revisions } from "./official-tool.ts";
import { runAt } from "./run.ts";

const readme = join(import.meta.dirname, "../../README.md");

/**
 * One test for each scenario that the official tool judges. They are named by what it has found, so it runs before they are
 * told apart.
 */
export async function conformanceSuite(endpoint: EndpointName): Promise<void> {
  const { verdicts, unmet, requests = [] } = await runAt(endpoint);
  const count = (outcome: Verdict["outcome"]) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  describe("the official conformance suite", () => {
    // What it leaves out by itself is neither passed nor failed.
    test.each(verdicts.filter(({ outcome }) => outcome !== "unjudged"))("$revision $scenario", ({ notes }) => {
      expect(notes).toEqual([]);
    });

    test("fails in nothing else, and passes nothing that the baseline calls a failure", () => {
      expect(unmet).toEqual([]);
    });

    test("passes as much as the README says", () => {
      const said = `${count("passed")} of its ${verdicts.length} scenarios for ${revisions.join(" and ")} pass, ${count("expected")} are about`;
      expect(readFileSync(readme, "utf8")).toContain(said);
    });

    if (requests.length === 0) return;
    test("was answered by all processes in turn", () => {
      expect(Math.max(...requests) - Math.min(...requests)).toBeLessThanOrEqual(1);
      expect(Math.min(...requests)).toBeGreaterThan(verdicts.length / 2);
    });
  });
}
