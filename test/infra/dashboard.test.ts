import { expect, test } from "vitest";
import { statuses, transitions } from "../../lib/contract/lifecycle.ts";
import { metrics } from "../../lib/contract/observation/decision.ts";
import { savedQueries } from "../../lib/infra/saved-queries.ts";
import { Synthesis, text } from "./synthesis.ts";

const plain = await Synthesis.of();
const watched = await Synthesis.of({ cloud: { dashboard: true, stackName: "watched" } });

test("there is no dashboard unless the configuration wants one, because it is paid for", () => {
  expect(plain.ofType("AWS::CloudWatch::Dashboard")).toEqual([]);
  expect(watched.only("AWS::CloudWatch::Dashboard").DashboardName).toBe("watched");
});

test("the dashboard shows every metric that the functions write, and nothing that nobody writes", () => {
  const body = text(watched.only("AWS::CloudWatch::Dashboard").DashboardBody);
  const { widgets } = JSON.parse(body.replaceAll(/<[^>]*>/g, "x")) as { widgets: Widget[] };
  const shown = widgets.flatMap(({ properties }) => properties.metrics);
  const own = shown.filter(([namespace]) => namespace === "AgentDispatch/watched");
  // These are searched for: which codes and things there are is not known before.
  expect(new Set([...own.map(([, name]) => name), "Outcomes", "Found"])).toEqual(new Set(Object.keys(metrics)));
  const phases = own.filter(([, name]) => name === "PhaseTime").map((metric) => metric[metric.indexOf("phase") + 1]);
  expect(phases).toEqual(statuses.filter((status) => transitions[status].length > 0));
  const searched = shown.flatMap(([first]) => (typeof first === "object" ? [(first as Search).expression] : []));
  expect(searched).toEqual([
    `SEARCH('{"AgentDispatch/watched",service,outcome} MetricName="Outcomes" service="watched"', 'Sum')`,
    `SEARCH('{"AgentDispatch/watched",service,thing} MetricName="Found" service="watched"', 'Sum')`,
  ]);
});

type Search = { expression: string };
type Widget = { properties: { metrics: (string | object)[][] } };

test("the queries are saved under the stack's name, for the logs of all functions", () => {
  const saved = watched.ofType("AWS::Logs::QueryDefinition").map(([, { Properties }]) => Properties);
  expect(saved.map(({ Name, QueryString }) => [Name, QueryString])).toEqual(
    savedQueries.map(({ name, lines }) => [`watched/${name}`, lines.join("\n| ")]),
  );
  const groups = Object.values(watched.functions).map(({ LoggingConfig }) => text((LoggingConfig as Json).LogGroup));
  for (const { LogGroupNames } of saved) expect((LogGroupNames as unknown[]).map(text).sort()).toEqual(groups.sort());
});

type Json = Record<string, unknown>;
