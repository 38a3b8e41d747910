import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Construct } from "constructs";
import type { Deployment } from "./deployment.ts";
import { DispatchFunction } from "./dispatch-function.ts";

/** Recovers or settles what a dead execution left: every five minutes, and as soon as one has died. */
export class Janitor extends Construct {
  readonly function: DispatchFunction;

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    const { workflow } = deployment;
    this.function = new DispatchFunction(this, "Handler", {
      deployment,
      bundle: "janitor",
      timeout: Duration.minutes(4),
      memorySize: 512,
    });
    workflow.grantStart(this.function);
    // The next run does what this one did not.
    this.function.lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(5) });
    const targets = [new LambdaFunction(this.function.lambda)];
    new Rule(this, "Schedule", { schedule: Schedule.rate(Duration.minutes(5)), targets });
    new Rule(this, "Deaths", {
      description: "AgentDispatch: executions that ended without their clean-up",
      eventPattern: {
        source: ["aws.states"],
        detailType: ["Step Functions Execution Status Change"],
        detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"], stateMachineArn: [workflow.arn] },
      },
      targets,
    });
  }
}
