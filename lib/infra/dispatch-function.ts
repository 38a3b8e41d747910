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
import { Construct } from "constructs";
import { environmentVariables } from "../contract/execution-environment.ts";
import type { LogLevel } from "../contract/logger.ts";
import type { Deployment } from "./deployment.ts";
import { logGroup } from "./log-group.ts";

type Props = {
  deployment: Deployment;
  /** The folder of its handler in `lambdas`. */
  bundle: "mcp" | "workflow" | "janitor";
  timeout: Duration;
  memorySize: number;
  /** Of the workflow: the state whose step it is. */
  step?: string;
  /** Executions kept for it, and the most it gets. */
  reserved?: number | undefined;
};

const levels: Readonly<Record<LogLevel, ApplicationLogLevel>> = {
  debug: ApplicationLogLevel.DEBUG,
  info: ApplicationLogLevel.INFO,
  warn: ApplicationLogLevel.WARN,
  error: ApplicationLogLevel.ERROR,
};

/** A function of AgentDispatch: its code is what was bundled, and it reads and writes tasks. */
export class DispatchFunction extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, { deployment, bundle, timeout, memorySize, step, reserved }: Props) {
    super(scope, id);
    const { cloud, bundles, table, artifacts, workflow } = deployment;
    const logs = logGroup(this, "Logs", cloud, `/aws/lambda/${cloud.stackName}/${step ?? bundle}`);
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logs.grantWrite(role);
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
      logGroup: logs,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: levels[cloud.logLevel],
      ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
      environment: {
        [environmentVariables.logLevel]: cloud.logLevel,
        [environmentVariables.table]: table.name,
        [environmentVariables.bucket]: artifacts.name,
        [environmentVariables.stateMachine]: workflow.arn,
        ...deployment.environment,
        ...(step !== undefined && { [environmentVariables.step]: step }),
      },
    });
    this.grantPrincipal = role;
  }
}
