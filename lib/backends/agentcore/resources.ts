/** The resources of AWS that a target names: runtimes, roles and images, as their texts are built. */

/** https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CreateAgentRuntime.html */
const runtimeArnPattern =
  /^arn:(aws|aws-cn|aws-us-gov):bedrock-agentcore:([a-z0-9-]+):(\d{12}):runtime\/([A-Za-z][A-Za-z0-9_]{0,47}-[A-Za-z0-9]{10})$/;
/** `ad_`, the stack that it belongs to, if any, and the digits of its task, or of its own. */
const ownNamePattern = /^ad_(?:[0-9a-f]{8}_)?[0-9a-f]{32}-/;
const rolePattern = /^arn:aws(-[^:]+)?:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
/** https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_ContainerConfiguration.html */
const imagePattern =
  /^(?:(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|public\.ecr\.aws)\/[a-z0-9._/-]+([:@].+)?$/;

/** A runtime as its ARN says it. */
export type RuntimeRef = { arn: string; partition: string; region: string; account: string; id: string };

/** Undefined for a text that is not the ARN of a runtime. */
export function parseRuntimeArn(arn: unknown): RuntimeRef | undefined {
  const match = typeof arn === "string" ? runtimeArnPattern.exec(arn) : null;
  if (!match) return undefined;
  const [text, partition = "", region = "", account = "", id = ""] = match;
  return { arn: text, partition, region, account, id };
}

/** Whether a runtime was made for a task, or for those that share it: nobody else may use it. */
export const isOfTasks = ({ id }: RuntimeRef): boolean => ownNamePattern.test(id);

/** Why a text is no runtime that a target can name; undefined when it is one. */
export function runtimeIssue(arn: string): string | undefined {
  const runtime = parseRuntimeArn(arn);
  if (runtime) return isOfTasks(runtime) ? "this runtime was made for tasks; name another" : undefined;
  return /^arn:[^:]+:bedrock-agentcore:[^:]+:\d{12}:runtime\/[A-Za-z]\w*$/.test(arn)
    ? `${arn} lacks the end of the ARN: a dash and ten characters, which AgentCore has given the runtime`
    : `${arn} is not the ARN of an AgentCore runtime`;
}

export const isRoleArn = (text: string): boolean => rolePattern.test(text);
export const ROLE_ISSUE = "must be the ARN of an IAM role";

/** An image in Amazon ECR, with account and region if its repository is private; undefined for any other text. */
export function parseImage(image: string): { account?: string; region?: string } | undefined {
  const match = imagePattern.exec(image);
  return match ? { ...(match[1] && { account: match[1] }), ...(match[2] && { region: match[2] }) } : undefined;
}
export const IMAGE_ISSUE =
  "must name an image in Amazon ECR, such as 123456789012.dkr.ecr.us-west-2.amazonaws.com/worker:1";

/** The name of an image without its tag and digest. */
export const repositoryOf = (image: string): string => image.replace(/@[^@/]*$/, "").replace(/:[^:/]*$/, "");
