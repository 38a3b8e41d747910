import { Stack } from "aws-cdk-lib";
import type { IRepository } from "aws-cdk-lib/aws-ecr";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

/** Where AgentCore makes the log groups of runtimes, each named for the runtime's id and its endpoint. */
export const LOG_GROUPS = "/aws/bedrock-agentcore/runtimes";

type Props = {
  /** Patterns for the ids of the runtimes that it is for. */
  runtimeNames: readonly string[];
  /** Where the images are that it may pull besides the worker's own, as ARNs. */
  repositories: readonly string[];
  /** Bedrock models and inference profiles, as ARNs. */
  models: readonly string[];
  image: IRepository;
};

/**
 * The role of runtimes that run the worker, and so of every job in them. It is not bound to one runtime: those made for a
 * task have names that nobody knows before.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-permissions.html
 */
export class WorkerRole extends Role {
  constructor(scope: Construct, id: string, { runtimeNames, repositories, models, image }: Props) {
    const { partition, account } = Stack.of(scope);
    super(scope, id, {
      description: "AgentDispatch: what jobs on AgentCore may do",
      assumedBy: new ServicePrincipal("bedrock-agentcore.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `arn:${partition}:bedrock-agentcore:*:${account}:*` },
        },
      }),
    });
    image.grantPull(this);
    this.#allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories);
    const logs = `arn:${partition}:logs:*:${account}:log-group`;
    // What others print is what others are told of: no job may write it.
    this.#allow(
      ["logs:CreateLogGroup", "logs:DescribeLogStreams", "logs:CreateLogStream", "logs:PutLogEvents"],
      runtimeNames.map((name) => `${logs}:${LOG_GROUPS}/${name}`),
    );
    this.#allow(["logs:DescribeLogGroups"], [`${logs}:*`]);
    this.#allow(
      ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"],
      ["*"],
    );
    this.addToPolicy(
      new PolicyStatement({
        actions: ["cloudwatch:PutMetricData"],
        resources: ["*"],
        conditions: { StringEquals: { "cloudwatch:namespace": "bedrock-agentcore" } },
      }),
    );
    this.#allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], models);
  }

  #allow(actions: string[], resources: readonly string[]): void {
    if (resources.length > 0) this.addToPolicy(new PolicyStatement({ actions, resources: [...resources] }));
  }
}
