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
  /** What its agents may use beside their own machine. */
  tools: readonly { actions: string[]; resources: string[] }[];
  image: IRepository;
};

/**
 * The role of runtimes that run the worker, and so of every job in them. It is not bound to one runtime: those made for a
 * task have names that nobody knows before.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-permissions.html
 */
export class WorkerRole extends Role {
  constructor(scope: Construct, id: string, { runtimeNames, repositories, models, tools, image }: Props) {
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
    for (const { actions, resources } of tools) this.#allow(actions, resources);
    this.#allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], models);
    if (models.length > 0) this.#subscribe();
  }

  /** Lets agents dispatch, at that endpoint alone; which task each of them acts for, the endpoint learns from its token. */
  letDispatch(endpointArn: string): void {
    this.#allow(["execute-api:Invoke"], [endpointArn]);
  }

  /**
   * The first request to a model of somebody else subscribes the account to it, in the name of whoever asked; only Bedrock
   * may do so for a job. Claude Code looks for the profiles that there are.
   * https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
   */
  #subscribe(): void {
    this.#allow(["bedrock:ListInferenceProfiles"], ["*"]);
    this.addToPolicy(
      new PolicyStatement({
        actions: ["aws-marketplace:Subscribe", "aws-marketplace:ViewSubscriptions"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:CalledViaLast": "bedrock.amazonaws.com" } },
      }),
    );
  }

  #allow(actions: string[], resources: readonly string[]): void {
    if (resources.length > 0) this.addToPolicy(new PolicyStatement({ actions, resources: [...resources] }));
  }
}
