import { CustomResource, Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct, type IConstruct, type IDependable } from "constructs";
import type { Deployment } from "./deployment.ts";
import { DispatchFunction } from "./dispatch-function.ts";

/** As long as a function may take: a sweep waits for runtimes to go, which takes AgentCore minutes. */
const TIMEOUT = Duration.minutes(15);

/**
 * What an operator does with the whole stack: a function that nothing invokes but the credentials of whoever operates it, and
 * CloudFormation with those of whoever deletes the stack.
 */
export class Operator extends Construct {
  readonly function: DispatchFunction;
  readonly #sweep: CustomResource;

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    const { workflow, backends, artifacts } = deployment;
    this.function = new DispatchFunction(this, "Handler", {
      deployment,
      bundle: "operator",
      timeout: TIMEOUT,
      memorySize: 1024,
    });
    // Whoever ends a pause lets tasks begin.
    workflow.grantStart(this.function);
    // A job that is told to end may leave a last word, and files; only then is it ended, whatever it does.
    artifacts.grantReadWrite(this.function);
    for (const backend of backends)
      for (const use of ["invoke", "stop", "deleteRuntime"] as const) backend.grant(use, this.function);
    this.function.lambda.addToRolePolicy(
      new PolicyStatement({ actions: ["cloudformation:DescribeStacks"], resources: [Stack.of(this).stackId] }),
    );
    // CloudFormation waits for its answer; a second sweep beside the first would help nobody.
    this.function.lambda.configureAsyncInvoke({ retryAttempts: 0 });
    // Its id must never change: CloudFormation would delete what it takes for another one.
    this.#sweep = new CustomResource(this, "Sweep", {
      serviceToken: this.function.lambda.functionArn,
      resourceType: "Custom::AgentDispatchSweep",
      serviceTimeout: TIMEOUT.plus(Duration.minutes(1)),
    });
    // Its function with its role and permissions go after it.
    this.#sweep.node.addDependency(this.function);
  }

  /**
   * Says in which order the stack goes: first `before`, through which more could come, then the system is swept, and then `after`,
   * which that needs.
   */
  sweepBetween(before: readonly IConstruct[], ...after: IDependable[]): void {
    for (const each of before) each.node.addDependency(this.#sweep);
    this.#sweep.node.addDependency(...after);
  }
}
