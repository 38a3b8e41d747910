import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import type { Check, Scenario } from "./official-tool.ts";

const baselineFile = join(import.meta.dirname, "baseline.yml");

/** As the tool itself takes it by `--expected-failures`: `<scenario>`, or `<scenario>:<id of a check>`. */
const baselineSchema = z.strictObject({ server: z.array(z.string().regex(/^[\w-]+(:[\w-]+)?$/)) });

/** What is expected to fail, because it is not offered. */
export const readBaseline = (): string[] => baselineSchema.parse(parse(readFileSync(baselineFile, "utf8"))).server;

/**
 * `unexpected` has failed, or has passed although the baseline says that it fails; `unjudged` is what the tool leaves out by
 * itself.
 */
export type Verdict = {
  scenario: string;
  outcome: "passed" | "expected" | "unexpected" | "unjudged";
  passedChecks: number;
  /** What is not as it should be, or as the baseline says. */
  notes: string[];
  /** Entries of the baseline that were met. */
  met: string[];
};

/** Holds a scenario against the baseline. A warning is a failure here: it stands for what a server should do. */
export function judge({ name, checks }: Scenario, baseline: readonly string[]): Verdict {
  const failed = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
  const passedChecks = checks.filter(({ status }) => status === "SUCCESS").length;
  const entryOf = ({ id }: Check) => [name, `${name}:${id}`].find((entry) => baseline.includes(entry));
  const met = [...new Set(failed.map(entryOf).filter((entry) => entry !== undefined))];
  const surprises = failed.filter((check) => entryOf(check) === undefined);
  const stale = baseline.filter((entry) => isOf(entry, name, checks) && !met.includes(entry));
  const notes = [
    ...surprises.map(({ id, description, errorMessage }) => `${id}: ${errorMessage ?? description}`),
    ...stale.map((entry) => `${entry} passes: take it out of the baseline`),
  ];
  const judged = (): Verdict["outcome"] => {
    if (notes.length > 0) return "unexpected";
    if (met.length > 0) return "expected";
    return passedChecks > 0 ? "passed" : "unjudged";
  };
  return { scenario: name, outcome: judged(), passedChecks, notes, met };
}

/** Whether an entry says something of this scenario; of a single check, where that was made at all. */
function isOf(entry: string, scenario: string, checks: readonly Check[]): boolean {
  const [name, id] = entry.split(":");
  return name === scenario && (id === undefined || checks.some((check) => check.id === id));
}
