/** What docs/OPERATIONS.md says is what the stack has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { statuses, transitions } from "../../lib/contract/lifecycle.ts";
import { dimensionOf, type MetricName, measured, messageOf, metrics } from "../../lib/contract/observation/decision.ts";
import { savedQueries } from "../../lib/infra/saved-queries.ts";
import { taskStates, workflowDefinition } from "../../lib/infra/workflow-definition.ts";
import { Synthesis } from "./synthesis.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/OPERATIONS.md"), "utf8");
const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);

test("every alarm has a runbook, and every runbook an alarm", async () => {
  const built = await Synthesis.of();
  const alarms = built
    .ofType("AWS::CloudWatch::Alarm")
    .map(([, { Properties }]) => String(Properties.AlarmDescription));
  const anchors = alarms.map((text) => /What to do: docs\/OPERATIONS\.md#(\w+)$/.exec(text)?.[1]);
  const runbooks = headings.slice(headings.indexOf("Runbooks") + 1).map((title) => title.toLowerCase());
  expect(anchors).not.toEqual([]);
  expect(anchors.toSorted()).toEqual(runbooks.toSorted());
});

test("every saved query is there as it is saved, and no other", () => {
  const shown = [...page.matchAll(/^\*\*([^*]+)\*\*:.*?^```text\n(.*?)^```$/gms)].map(([, name, text]) => [
    name,
    text?.trim(),
  ]);
  expect(shown).toEqual(savedQueries.map(({ name, lines }) => [name, lines.join("\n| ")]));
});

test("the logs that a shell asks are those of all functions", () => {
  const [, list = ""] = /--log-group-names \/aws\/lambda\/agent-dispatch\/\{([^}]*)\}/.exec(page) ?? [];
  const steps = taskStates(workflowDefinition()).map(({ name }) => name);
  expect(list.split(",").toSorted()).toEqual(["mcp", "janitor", "operator", ...steps].toSorted());
});

test("every metric is explained, and they are as many as are said to be paid for", () => {
  const rows = [...page.matchAll(/^\| `(\w+)`(?:, by `(\w+)`)? \| (count|ms) \|/gm)].map(
    ([, name, dimension, unit]) => ({
      name,
      dimension,
      unit: unit === "ms" ? "Milliseconds" : "Count",
    }),
  );
  const known = (Object.keys(metrics) as MetricName[]).map((name) => ({
    name,
    dimension: dimensionOf(name),
    unit: metrics[name].unit,
  }));
  const byName = (one: { name: string | undefined }, other: { name: string | undefined }) =>
    String(one.name).localeCompare(String(other.name));
  expect(rows.toSorted(byName)).toEqual(known.toSorted(byName));
  const phases = statuses.filter((status) => transitions[status].length > 0).length;
  // Outcomes that are no error: succeeded and cancelled; and one of the log of the executions.
  const always = known.filter(({ dimension }) => dimension === undefined).length + phases + 2 + 1;
  expect(page).toContain(`They are ${always} metrics with \`StepFailures\``);
  expect(page).toContain(`at most $${(always * 0.3).toFixed(2)} a month`);
});

const taskId = "task_1";
const of = { taskId, owner: "somebody", ms: 1 };

test("every decision is explained, and has words of its own", () => {
  const table = page.slice(page.indexOf("| `decision` |"), page.indexOf("No line holds"));
  const explained = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const all = [
    { decision: "dispatched", ...of, profile: "p", backend: "b", taskType: "command.run" },
    { decision: "moved", ...of, from: "queued", to: "running" },
    { decision: "first_event", ...of },
    { decision: "ended", ...of, from: "running", to: "failed", totalMs: 2, code: "platform.internal" },
    { decision: "owed", ...of, obligation: "slot" },
    { decision: "settled", ...of },
    { decision: "recovered", ...of, attempt: 1, status: "failed" },
    { decision: "put_off", ...of, error: "runtime: no" },
    { decision: "stepped", taskId, step: "Watch", ms: 1, again: false },
    { decision: "queued", owner: "somebody", depth: 7 },
    { decision: "found", thing: "unknown_runtime", name: "ad_1", region: "us-west-2" },
    { decision: "refused", tool: "dispatch_task", ms: 3, code: "policy.denied" },
  ] as const;
  expect(all.map(({ decision }) => decision)).toEqual(explained.slice(1));
  expect(new Set(all.map((decision) => messageOf(decision).message)).size).toBe(all.length);
  const counted = all.flatMap((decision) => measured(decision).map(({ name, value, of }) => [name, value, of]));
  expect(counted).toEqual([
    ["Handles", 1, undefined],
    ["PhaseTime", 1, "queued"],
    ["TimeToFirstEvent", 1, undefined],
    ["PhaseTime", 1, "running"],
    ["Outcomes", 1, "platform.internal"],
    ["PlatformFailures", 1, undefined],
    ["SettleTime", 1, undefined],
    ["Recoveries", 1, undefined],
    ["OverdueObligations", 1, undefined],
    ["StuckObligations", 1, undefined],
    ["QueueDepth", 7, undefined],
    ["Found", 1, "unknown_runtime"],
  ]);
});
