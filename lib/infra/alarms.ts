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
import type { Workflow } from "./workflow.ts";

type Props = { cloud: CloudSettings; mcp: McpApi; workflow: Workflow; janitor: Janitor };

const period = Duration.minutes(5);
const statistic = "Sum";

/** What somebody should know of. They are there in any case; with an address they also tell. */
export class Alarms extends Construct {
  readonly #topic: Topic | undefined;

  constructor(scope: Construct, id: string, { cloud, mcp, workflow, janitor }: Props) {
    super(scope, id);
    this.#topic = cloud.alarmEmail === undefined ? undefined : this.#openTopic(cloud.alarmEmail);
    this.#add("McpErrors", "the MCP function failed", mcp.function.lambda.metricErrors({ period, statistic }), 1);
    this.#add("McpServerErrors", "the endpoint answered 5xx", mcp.api.metricServerError({ period, statistic }), 5);
    const { machine } = workflow;
    this.#add(
      "ExecutionsDied",
      "executions ended without their clean-up; the janitor starts them again",
      new MathExpression({
        expression: "failed + timedOut + aborted",
        usingMetrics: {
          failed: machine.metricFailed({ period, statistic }),
          timedOut: machine.metricTimedOut({ period, statistic }),
          aborted: machine.metricAborted({ period, statistic }),
        },
        label: "executions that died",
        period,
      }),
      1,
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
    this.#add("JanitorErrors", "the janitor failed", janitor.function.lambda.metricErrors({ period, statistic }), 1);
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
      alarmDescription: `AgentDispatch: ${text}`,
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
