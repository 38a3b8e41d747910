import { join } from "node:path";
import type { Duration } from "aws-cdk-lib";
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { environmentVariables } from "../contract/execution-environment.ts";
import type { LogLevel } from "../contract/logger.ts";
import type { Deployment } from "./deployment.ts";
import { logGroup } from "./log-group.ts";
import { metricsNamespace } from "./metrics.ts";

type Props = {
  deployment: Deployment;
  /** The folder of its handler in `lambdas`. */
  bundle: "mcp" | "workflow" | "janitor" | "operator";
  timeout: Duration;
  memorySize: number;
  /** Of the workflow: the state whose step it is. */
  step?: string;
  /** What it is told beside what all are. */
  environment?: Record<string, string>;
  /** Executions kept for it, and the most it gets. */
  reserved?: number | undefined;
};

/**
 * The functions leave out by themselves what is below the level. Lambda takes lines without a level for `INFO`, and those of
 * metrics have none: they must pass in any case.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
const passing = (level: LogLevel): ApplicationLogLevel =>
  level === "debug" ? ApplicationLogLevel.DEBUG : ApplicationLogLevel.INFO;

/** A function of AgentDispatch: its code is what was bundled, and it reads and writes tasks. */
export class DispatchFunction extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  /** What it says of its work. */
  readonly logs: LogGroup;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id);
    const { deployment, bundle, timeout, memorySize, step, environment, reserved } = props;
    const { cloud, bundles, table, artifacts, workflow } = deployment;
    this.logs = logGroup(this, "Logs", cloud, `/aws/lambda/${cloud.stackName}/${step ?? bundle}`);
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    this.logs.grantWrite(role);
    table.grantReadWrite(role);
    this.lambda = new LambdaFunction(this, "Function", {
      description: `AgentDispatch: ${step ? `the step ${step}` : bundle}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(join(bundles, "lambdas", bundle)),
      handler: "handler.handler",
      role,
      timeout,
      memorySize,
      tracing: Tracing.ACTIVE,
      logGroup: this.logs,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: passing(cloud.logLevel),
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      environment: {
        [environmentVariables.logLevel]: cloud.logLevel,
        [environmentVariables.table]: table.name,
        [environmentVariables.bucket]: artifacts.name,
        [environmentVariables.stateMachine]: workflow.arn,
        [environmentVariables.metricsNamespace]: metricsNamespace(cloud),
        [environmentVariables.serviceName]: cloud.stackName,
        ...deployment.environment,
        ...environment,
        ...(step !== undefined && { [environmentVariables.step]: step }),
      },
    });
    this.grantPrincipal = role;
  }
}
