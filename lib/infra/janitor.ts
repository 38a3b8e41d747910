import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Construct } from "constructs";
import type { Deployment } from "./deployment.ts";
import { DispatchFunction } from "./dispatch-function.ts";
import { functionMemory } from "./function-memory.ts";

/** What it takes to keep sessions ready: only where a profile wants that. */
const warming = ["provision", "awaitReady", "hello"] as const;

/**
 * Recovers or settles what a dead execution left, and removes what is left on the platform: every five minutes, and, for the
 * task of an execution that has died, at once.
 */
export class Janitor extends Construct {
  readonly function: DispatchFunction;

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    const { workflow, backends, artifacts, keepsWarm } = deployment;
    this.function = new DispatchFunction(this, "Handler", {
      deployment,
      bundle: "janitor",
      timeout: Duration.minutes(4),
      memorySize: functionMemory.janitor,
    });
    workflow.grantStart(this.function);
    // It may always stop them: those that an earlier configuration has kept have to end.
    const uses = ["sweep", "stop", ...(keepsWarm ? warming : [])] as const;
    for (const backend of backends) for (const use of uses) backend.grant(use, this.function);
    // As the clean-up does: what is made of other tasks goes on.
    artifacts.grantReadWrite(this.function);
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
