import type { IncomingMessage } from "node:http";

/** One thing that IAM decides: may this be done to that, in these circumstances? */
export type Asked = {
  /** Such as `s3:GetObject`. */
  action: string;
  /** An ARN, or `*` where the action knows none. */
  resource: string;
  /** Values of condition keys, by key. */
  context: Record<string, string>;
};

/** A request whose signature was right, as it arrived. */
export type Received = {
  request: Pick<IncomingMessage, "method" | "url" | "headers">;
  query: Readonly<Record<string, string>>;
  /** What it was signed for. */
  service: string;
  region: string;
  body: Buffer;
};

const ACCOUNT = "123456789012";
const AGENTCORE = "bedrock-agentcore";

/**
 * All that IAM decides about a request: of AgentCore's, also what it does in the caller's name. Throws an Error for a request that
 * nobody has said this of.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export function askedBy(received: Received): Asked[] {
  const { service, request } = received;
  const target = String(request.headers["x-amz-target"] ?? "");
  const operation = target.slice(target.indexOf(".") + 1);
  switch (service) {
    case "s3":
      return objects(received);
    case "dynamodb":
      return tables(operation, received);
    case "states":
      return [plain(`states:${operation}`, String(fieldsOf(received).stateMachineArn))];
    case "logs": {
      const group = `arn:aws:logs:${received.region}:${ACCOUNT}:log-group:${fieldsOf(received).logGroupName ?? ""}`;
      // So AWS names it where it denies such an action: https://repost.aws/knowledge-center/cloudwatch-error-access-denied
      return [plain(`logs:${operation}`, `${group}:log-stream:`)];
    }
    case "servicequotas":
      return [plain(`servicequotas:${operation}`, "*")];
    case "ecr": {
      const repository = `repository/${fieldsOf(received).repositoryName}`;
      return [plain(`ecr:${operation}`, `arn:aws:ecr:${received.region}:${ACCOUNT}:${repository}`)];
    }
    case "sts":
      return security(received);
    case "cloudformation":
      return [stack(received)];
    case "bedrock":
      return models(received);
    case "execute-api":
      return [calls(received)];
    case AGENTCORE:
      return runtimes(received);
    default:
      throw new Error(`authorized.ts does not say what a request to ${service} needs`);
  }
}

const plain = (action: string, resource: string, context: Record<string, string> = {}): Asked => ({
  action,
  resource,
  context,
});

const fieldsOf = ({ body }: Received): Record<string, unknown> =>
  body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);

const partsOf = ({ request }: Received): string[] =>
  new URL(request.url ?? "/", "http://emulator").pathname.split("/").slice(1).map(decodeURIComponent);

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
function objects(received: Received): Asked[] {
  const [bucket, ...rest] = partsOf(received);
  const key = rest.join("/");
  if (key === "") return [plain("s3:ListBucket", `arn:aws:s3:::${bucket}`)];
  const verb = received.request.method === "PUT" ? "PutObject" : "GetObject";
  return [plain(`s3:${verb}`, `arn:aws:s3:::${bucket}/${key}`)];
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html */
function tables(operation: string, received: Received): Asked[] {
  const { TableName, IndexName, RequestItems } = fieldsOf(received);
  const names = TableName === undefined ? Object.keys(RequestItems as object) : [String(TableName)];
  const index = IndexName === undefined ? "" : `/index/${IndexName}`;
  const table = (name: string) => `arn:aws:dynamodb:${received.region}:${ACCOUNT}:table/${name}${index}`;
  return names.map((name) => plain(`dynamodb:${operation}`, table(name)));
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html */
function security({ body }: Received): Asked[] {
  const asked = new URLSearchParams(body.toString());
  return [plain(`sts:${asked.get("Action")}`, asked.get("RoleArn") ?? "*")];
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html */
function stack({ body, region }: Received): Asked {
  const asked = new URLSearchParams(body.toString());
  const name = asked.get("StackName") ?? "*";
  const arn = name.startsWith("arn:") ? name : `arn:aws:cloudformation:${region}:${ACCOUNT}:stack/${name}/*`;
  return plain(`cloudformation:${asked.get("Action")}`, arn);
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html */
function calls(received: Received): Asked {
  const [stage, ...path] = partsOf(received);
  const called = `${stage}/${received.request.method}/${path.join("/")}`;
  return plain("execute-api:Invoke", `arn:aws:execute-api:${received.region}:${ACCOUNT}:api1234567/${called}`);
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html */
function models(received: Received): Asked[] {
  const [root, id] = partsOf(received);
  if (root === "inference-profiles")
    return [
      plain("bedrock:GetInferenceProfile", `arn:aws:bedrock:${received.region}:${ACCOUNT}:inference-profile/${id}`),
    ];
  const verb = root === "foundation-model-availability" ? "GetFoundationModelAvailability" : "GetUseCaseForModelAccess";
  return [plain(`bedrock:${verb}`, "*")];
}

const invocations: Readonly<Record<string, string>> = {
  invocations: "InvokeAgentRuntime",
  commands: "InvokeAgentRuntimeCommand",
  stopruntimesession: "StopRuntimeSession",
};

/**
 * What is called on a runtime is authorized for its endpoint as well. Making and deleting one makes and deletes its endpoint, its
 * identity and its tags in the caller's name, and AWS denies each of these by itself.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
 */
function runtimes(received: Received): Asked[] {
  const { request, query, region } = received;
  const [root, name = "", second = "", third = ""] = partsOf(received);
  const arn = (resource: string) => `arn:aws:${AGENTCORE}:${region}:${ACCOUNT}:${resource}`;
  const of = (verb: string, ...resources: string[]) =>
    resources.map((resource) => plain(`${AGENTCORE}:${verb}`, resource));
  if (root === "tags") return of("ListTagsForResource", name);
  const invocation = invocations[second];
  if (invocation !== undefined) {
    const card = third === ".well-known";
    const endpoint = `${name}/runtime-endpoint/${query.qualifier ?? "DEFAULT"}`;
    return of(card ? "GetAgentCard" : invocation, name, endpoint);
  }
  const runtime = arn(`runtime/${name}`);
  if (second === "runtime-endpoints")
    return of("GetAgentRuntimeEndpoint", runtime, `${runtime}/runtime-endpoint/${third}`);
  if (name === "") return request.method === "PUT" ? making(received, arn) : of("ListAgentRuntimes", "*");
  if (request.method !== "DELETE") return of("GetAgentRuntime", runtime);
  return [
    ...of("DeleteAgentRuntime", runtime),
    ...of("DeleteAgentRuntimeEndpoint", `${runtime}/runtime-endpoint/DEFAULT`),
    ...of(
      "DeleteWorkloadIdentity",
      arn("workload-identity-directory/default"),
      arn(`workload-identity-directory/default/workload-identity/${name}`),
    ),
  ];
}

function making(received: Received, arn: (resource: string) => string): Asked[] {
  const {
    agentRuntimeName,
    roleArn,
    tags = {},
  } = fieldsOf(received) as {
    agentRuntimeName: string;
    roleArn: string;
    tags?: Record<string, string>;
  };
  const context = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value]));
  // What is being made has no id yet.
  const made = arn("runtime/*");
  const identity = `workload-identity-directory/default/workload-identity/${agentRuntimeName}-1234567890`;
  const directories = [arn("workload-identity-directory/default"), arn(identity)];
  return [
    plain(`${AGENTCORE}:CreateAgentRuntime`, made, context),
    ...[made, ...directories].map((resource) => plain(`${AGENTCORE}:TagResource`, resource, context)),
    plain(`${AGENTCORE}:CreateAgentRuntimeEndpoint`, made),
    ...directories.map((resource) => plain(`${AGENTCORE}:CreateWorkloadIdentity`, resource)),
    plain("iam:PassRole", roleArn, { "iam:PassedToService": "bedrock-agentcore.amazonaws.com" }),
  ];
}
