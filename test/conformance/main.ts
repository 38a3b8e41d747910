/**
 * Runs the official conformance suite against each endpoint, and prints what came of it: `npm run conformance`, with `--json`
 * for programs. Ends with 1 when something fails that the baseline does not name, or passes that it does.
 */
import { table } from "../../lib/client/cli/print.ts";
import type { Verdict } from "./baseline.ts";
import { type EndpointName, endpoints } from "./endpoints.ts";
import { type Run, runAt } from "./run.ts";

const signs: Record<Verdict["outcome"], string> = { passed: "✔", expected: "–", unexpected: "✖", unjudged: " " };

/** Each scenario once, with what came of it at every endpoint. */
function tableOf(runs: readonly Run[]): string {
  const rows = new Map<string, string[]>();
  for (const { verdicts } of runs)
    for (const { revision, scenario, outcome, passedChecks } of verdicts) {
      const row = rows.get(`${revision} ${scenario}`) ?? [revision, scenario];
      rows.set(`${revision} ${scenario}`, [...row, `${signs[outcome]} ${passedChecks}`]);
    }
  return table([["revision", "scenario", ...runs.map(({ endpoint }) => endpoint)], ...rows.values()]);
}

function summaryOf({ endpoint, verdicts, unmet }: Run): string {
  const count = (outcome: Verdict["outcome"]) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const checks = verdicts.reduce((sum, { passedChecks }) => sum + passedChecks, 0);
  const wrong = verdicts.flatMap(({ revision, scenario, notes }) =>
    notes.map((note) => `  ✖ ${revision} ${scenario}: ${note}`),
  );
  return [
    `${endpoint}: ${count("passed")} scenarios passed (${checks} checks), ${count("expected")} are not offered, ` +
      `${count("unexpected")} failed, ${count("unjudged")} the tool leaves out`,
    ...wrong,
    ...unmet.map((entry) => `  ✖ the baseline names ${entry}, which did not fail`),
  ].join("\n");
}

const runs: Run[] = [];
for (const endpoint of Object.keys(endpoints) as EndpointName[]) runs.push(await runAt(endpoint));
const isAsExpected = runs.every(
  ({ verdicts, unmet }) => unmet.length === 0 && verdicts.every(({ outcome }) => outcome !== "unexpected"),
);
if (process.argv.includes("--json")) console.log(JSON.stringify({ ok: isAsExpected, runs }, undefined, 2));
else {
  console.log(tableOf(runs));
  console.log(
    "✔ passed, with its checks   – not offered, as test/conformance/baseline.yml says   ✖ not as it should be\n",
  );
  for (const run of runs) console.log(summaryOf(run));
}
process.exitCode = isAsExpected ? 0 : 1;
