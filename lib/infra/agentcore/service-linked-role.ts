import { Stack } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { AwsCustomResource, PhysicalResourceId } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import type { CloudSettings } from "../../contract/cloud.ts";
import { logGroup } from "../log-group.ts";

const SERVICE = "runtime-identity.bedrock-agentcore.amazonaws.com";
const NAME = "AWSServiceRoleForBedrockAgentCoreRuntimeIdentity";

/** Lets somebody make the one role, and no other: whoever makes a runtime where it is missing needs that. */
export function allowServiceLinkedRole(scope: Construct, { grantPrincipal }: IGrantable): void {
  const { partition, account } = Stack.of(scope);
  grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ["iam:CreateServiceLinkedRole"],
      resources: [`arn:${partition}:iam::${account}:role/aws-service-role/${SERVICE}/${NAME}`],
      conditions: { StringEquals: { "iam:AWSServiceName": SERVICE } },
    }),
  );
}

/**
 * The role that AgentCore itself needs in an account before the first runtime is made there. The account has one, for
 * everybody: it is made unless it is there, and stays.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/service-linked-roles.html
 */
export class ServiceLinkedRole extends Construct {
  constructor(scope: Construct, id: string, cloud: CloudSettings) {
    super(scope, id);
    const logs = logGroup(this, "Logs", cloud, `/aws/lambda/${cloud.stackName}/service-linked-role`);
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logs.grantWrite(role);
    allowServiceLinkedRole(this, role);
    const made = new AwsCustomResource(this, "Made", {
      resourceType: "Custom::ServiceLinkedRole",
      onCreate: {
        service: "IAM",
        action: "CreateServiceLinkedRole",
        parameters: { AWSServiceName: SERVICE },
        physicalResourceId: PhysicalResourceId.of(NAME),
        // How IAM says that the name has been taken: there it is.
        ignoreErrorCodesMatching: "^InvalidInput",
      },
      role,
      logGroup: logs,
      installLatestAwsSdk: false,
    });
    // Not before it may.
    made.node.addDependency(role);
  }
}
