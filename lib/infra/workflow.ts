import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { environmentVariables } from "../contract/execution-environment.ts";
import type { Deployment } from "./deployment.ts";
import { DispatchFunction } from "./dispatch-function.ts";
import { stepMemory } from "./function-memory.ts";
import { logGroup } from "./log-group.ts";
import { grantStep } from "./step-permissions.ts";
import { taskStates, workflowDefinition } from "./workflow-definition.ts";

/** A function ends by itself before its state stops waiting for it: only then is it known why. */
const SPARE_SECONDS = 5;
const LONGEST_SECONDS = 900;

/** The state machine of `dispatch.asl.json`, with one function for each of its steps. */
export class Workflow extends Construct {
  readonly machine: StateMachine;
  readonly steps: readonly DispatchFunction[];
  /** What its executions do, event by event, without what they are given. */
  readonly logs: LogGroup;

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id);
    const { cloud, workflow, agentEndpoint } = deployment;
    const definition = workflowDefinition();
    const states = taskStates(definition);
    const functions = states.map(({ name, placeholder, timeoutSeconds }) => {
      const step = new DispatchFunction(this, name, {
        deployment,
        bundle: "workflow",
        step: name,
        timeout: Duration.seconds(Math.min(LONGEST_SECONDS, timeoutSeconds - SPARE_SECONDS)),
        memorySize: stepMemory(name),
        reserved: cloud.concurrency.steps,
        // Whoever hands a job over says to its agent where it dispatches.
        ...(name === "Start" &&
          agentEndpoint !== undefined && {
            environment: { [environmentVariables.agentEndpoint]: agentEndpoint },
          }),
      });
      grantStep(name, deployment, step);
      return { placeholder, step };
    });
    this.steps = functions.map(({ step }) => step);

    this.logs = logGroup(this, "Logs", cloud, `/aws/vendedlogs/states/${cloud.stackName}`);
    this.machine = new StateMachine(this, "Machine", {
      stateMachineName: workflow.name,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(definition),
      definitionSubstitutions: Object.fromEntries(
        functions.map(({ placeholder, step }) => [placeholder, step.lambda.functionArn]),
      ),
      tracingEnabled: true,
      logs: {
        destination: this.logs,
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.machine.role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["lambda:InvokeFunction"],
        resources: this.steps.map(({ lambda }) => lambda.functionArn),
      }),
    );
  }
}
