import { Duration, Stack } from "aws-cdk-lib";
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import type { CloudSettings } from "../contract/cloud.ts";
import type { Janitor } from "./janitor.ts";
import type { McpApi } from "./mcp-api.ts";
import { ourMetric } from "./metrics.ts";
import type { Workflow } from "./workflow.ts";

type Props = { cloud: CloudSettings; mcp: McpApi; workflow: Workflow; janitor: Janitor };

const statistic = "Sum";
const period = Duration.minutes(5);
/** What mends itself, or fails one call, is worth a look only when it goes on. */
const longer = { period: Duration.minutes(15), statistic };

/** What somebody should know of. They are there in any case; with an address they also tell. */
export class Alarms extends Construct {
  readonly #topic: Topic | undefined;

  constructor(scope: Construct, id: string, { cloud, mcp, workflow, janitor }: Props) {
    super(scope, id);
    this.#topic = cloud.alarmEmail === undefined ? undefined : this.#openTopic(cloud.alarmEmail);
    this.#add("McpErrors", "the MCP function fails", mcp.function.lambda.metricErrors(longer), 3);
    this.#add("McpServerErrors", "the endpoint answered 5xx", mcp.api.metricServerError({ period, statistic }), 5);
    const { machine } = workflow;
    this.#add(
      "ExecutionsDied",
      "executions ended without their clean-up; the janitor starts them again",
      new MathExpression({
        expression: "failed + timedOut + aborted",
        usingMetrics: {
          failed: machine.metricFailed(longer),
          timedOut: machine.metricTimedOut(longer),
          aborted: machine.metricAborted(longer),
        },
        label: "executions that died",
        period: longer.period,
      }),
      3,
    );
    this.#add(
      "StepErrors",
      "steps of the workflow fail again and again",
      // One metric of the executions' log: an alarm on the errors of each function would be paid for function by function.
      new MetricFilter(this, "StepFailures", {
        logGroup: workflow.logs,
        filterPattern: FilterPattern.literal(
          '{ ($.type = "LambdaFunctionFailed") || ($.type = "LambdaFunctionTimedOut") }',
        ),
        metricNamespace: `AgentDispatch/${cloud.stackName}`,
        metricName: "StepFailures",
      }).metric({ period, statistic }),
      20,
    );
    this.#add(
      "PlatformFailures",
      "tasks fail for what is neither theirs nor their workers'",
      ourMetric(cloud, "PlatformFailures", undefined, longer),
      3,
    );
    this.#add(
      "StuckObligations",
      "something of a task that is over can neither be stopped nor deleted, and may be billed",
      // Each is tried again, and counted again, in an hour.
      ourMetric(cloud, "StuckObligations", undefined, { period: Duration.hours(1), statistic }),
      1,
    );
    // The next run does what one did not.
    const again = { evaluationPeriods: 3, datapointsToAlarm: 2 };
    const failures = janitor.function.lambda.metricErrors({ period, statistic });
    this.#add("JanitorErrors", "the janitor fails", failures, 1, again);
    // A function that does not run has no data at all, and neither has one that was deployed just now: so this is told when
    // the data stops, and not while there has never been any.
    const silence = this.#add(
      "JanitorSilent",
      "the janitor does not run, so that tasks of dead executions stay as they are (this is told as insufficient data)",
      janitor.function.lambda.metricInvocations({ period, statistic }),
      1,
      {
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: 3,
        treatMissingData: TreatMissingData.MISSING,
      },
    );
    if (this.#topic) silence.addInsufficientDataAction(new SnsAction(this.#topic));
  }

  #add(id: string, text: string, metric: IMetric, threshold: number, more: Partial<AlarmProps> = {}): Alarm {
    const alarm = new Alarm(this, id, {
      alarmDescription: `AgentDispatch: ${text}. What to do: docs/OPERATIONS.md#${id.toLowerCase()}`,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...more,
    });
    if (this.#topic) alarm.addAlarmAction(new SnsAction(this.#topic));
    return alarm;
  }

  #openTopic(email: string): Topic {
    const topic = new Topic(this, "Topic", { enforceSSL: true });
    topic.addSubscription(new EmailSubscription(email));
    // A policy of its own takes the place of the one that lets the account's alarms publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    return topic;
  }
}
