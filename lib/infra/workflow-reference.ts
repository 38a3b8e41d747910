import { ArnFormat, Stack } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

/**
 * The state machine by its name: its functions start executions of the very machine that calls them, so that neither can
 * wait for the other to exist.
 */
export class WorkflowReference {
  readonly name: string;
  readonly arn: string;

  constructor(scope: Construct, name: string) {
    this.name = name;
    this.arn = Stack.of(scope).formatArn({
      service: "states",
      resource: "stateMachine",
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  grantStart({ grantPrincipal }: IGrantable): void {
    grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ["states:StartExecution"], resources: [this.arn] }),
    );
  }
}
