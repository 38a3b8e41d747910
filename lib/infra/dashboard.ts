import { Duration } from "aws-cdk-lib";
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  PeriodOverride,
  SingleValueWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { CloudSettings } from "../contract/cloud.ts";
import { statuses, transitions } from "../contract/lifecycle.ts";
import type { MetricName } from "../contract/observation/decision.ts";
import type { Janitor } from "./janitor.ts";
import type { McpApi } from "./mcp-api.ts";
import { metricsNamespace, ourMetric } from "./metrics.ts";
import type { Workflow } from "./workflow.ts";

type Props = { cloud: CloudSettings; mcp: McpApi; workflow: Workflow; janitor: Janitor };

const WIDTH = 8;
const phases = statuses.filter((status) => transitions[status].length > 0);

/** What an operator looks at, top to bottom: is it used, does it work, is it fast, does anything stay behind. */
export class Dashboard extends Construct {
  readonly #cloud: CloudSettings;

  constructor(scope: Construct, id: string, { cloud, mcp, workflow, janitor }: Props) {
    super(scope, id);
    this.#cloud = cloud;
    const { machine } = workflow;
    const board = new CloudWatchDashboard(this, "Board", {
      dashboardName: cloud.stackName,
      defaultInterval: Duration.days(1),
      periodOverride: PeriodOverride.AUTO,
    });
    board.addWidgets(
      new SingleValueWidget({
        title: "Tasks",
        width: WIDTH,
        setPeriodToTimeRange: true,
        metrics: [this.#sum("Handles", "dispatched"), this.#sum("PlatformFailures", "failed by the platform")],
      }),
      graph("Outcomes", [this.#byAll("Outcomes", "outcome")], { stacked: true }),
      graph("Queue", [this.#of("QueueDepth", "Maximum", "longest queue")]),
    );
    board.addWidgets(
      graph("To the first event, and from the end until nothing is owed (ms)", [
        this.#of("TimeToFirstEvent", "p50", "first event, p50"),
        this.#of("TimeToFirstEvent", "p95", "first event, p95"),
        this.#of("SettleTime", "p95", "settled, p95"),
      ]),
      graph(
        "Time in each phase, p95 (ms)",
        phases.map((phase) => ourMetric(cloud, "PhaseTime", phase, { statistic: "p95", label: phase })),
      ),
      graph("Left behind", [
        this.#sum("Recoveries", "recoveries"),
        this.#sum("OverdueObligations", "overdue obligations"),
        this.#sum("StuckObligations", "stuck obligations"),
        this.#byAll("Found", "thing"),
      ]),
    );
    board.addWidgets(
      graph("Endpoint", [
        mcp.api.metricCount({ label: "requests" }),
        mcp.api.metricClientError({ statistic: "Sum", label: "4xx" }),
        mcp.api.metricServerError({ statistic: "Sum", label: "5xx" }),
      ]),
      graph("Executions", [
        machine.metricStarted({ label: "started" }),
        machine.metricFailed({ label: "failed" }),
        machine.metricTimedOut({ label: "timed out" }),
      ]),
      graph("Functions at once", [
        mcp.function.lambda.metric("ConcurrentExecutions", { statistic: "Maximum", label: "mcp" }),
        ...workflow.steps.map(({ lambda, node }) =>
          lambda.metric("ConcurrentExecutions", { statistic: "Maximum", label: node.id }),
        ),
        janitor.function.lambda.metricErrors({ label: "errors of the janitor" }),
      ]),
    );
  }

  #of(name: MetricName, statistic: string, label: string): IMetric {
    return ourMetric(this.#cloud, name, undefined, { statistic, label });
  }

  #sum(name: MetricName, label: string): IMetric {
    return this.#of(name, "Sum", label);
  }

  /** Whatever the values of a dimension are: which there are is known to CloudWatch alone. */
  #byAll(name: MetricName, dimension: string): IMetric {
    const { stackName } = this.#cloud;
    const metrics = `{"${metricsNamespace(this.#cloud)}",service,${dimension}} MetricName="${name}" service="${stackName}"`;
    return new MathExpression({ expression: `SEARCH('${metrics}', 'Sum')`, label: "", usingMetrics: {} });
  }
}

const graph = (title: string, left: IMetric[], more: { stacked?: boolean } = {}): GraphWidget =>
  new GraphWidget({ title, left, width: WIDTH, leftYAxis: { min: 0 }, ...more });
