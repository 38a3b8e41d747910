/** What functions may do and do not do in the suites of the cloud: where, and why it is granted all the same. */
type Unused = {
  functions: readonly string[];
  actions: readonly string[];
  because: string;
  /** What a loaded machine may bring about; anything else must not be done at all, or it does not belong here. */
  rare?: true;
};

const steps = ["Provision", "AwaitReady", "Start", "SynchronousCall", "Watch", "Complete", "Fail", "Cleanup"];
const all = ["mcp", "janitor", "operator", ...steps];
const agentCore = (...verbs: string[]) => verbs.map((verb) => `bedrock-agentcore:${verb}`);
const dynamo = (...verbs: string[]) => verbs.map((verb) => `dynamodb:${verb}`);

const unusedPermissions: readonly Unused[] = [
  {
    functions: all,
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    because: "Lambda itself writes the log, with the role of the function",
  },
  {
    functions: all,
    actions: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    because: "Lambda itself sends the traces, with the role of the function",
  },
  {
    functions: ["mcp", "Start", "SynchronousCall", "Watch", "Complete"],
    actions: ["s3:ListBucket"],
    because: "nobody lists: with it a missing object is a 404, and a 403 without it",
  },
  {
    functions: ["Cleanup", "janitor"],
    actions: ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    because: "no task is made of others here, whose input and answer may be kept there: orchestration-cloud.test.ts",
  },
  {
    functions: ["Provision", "AwaitReady", "Start", "SynchronousCall", "Watch", "Complete"],
    actions: dynamo("BatchGetItem", "DeleteItem"),
    because: "a step has the verbs of the store: which of them a method takes is the store's to choose",
  },
  {
    functions: ["AwaitReady", "Start", "SynchronousCall", "Watch", "Complete"],
    actions: dynamo("Query"),
    because: "a step has the verbs of the store: which of them a method takes is the store's to choose",
  },
  {
    functions: ["AwaitReady", "Start", "SynchronousCall", "Watch", "Complete"],
    actions: dynamo("UpdateItem"),
    because: "who ends a task of a tree adds there what it cost, and which of the functions that is comes by chance",
    rare: true,
  },
  {
    functions: ["mcp"],
    actions: agentCore(
      "StopRuntimeSession",
      "DeleteAgentRuntime",
      "DeleteAgentRuntimeEndpoint",
      "DeleteWorkloadIdentity",
    ),
    because: "nobody stops everything here, as in stopping-cloud.test.ts; a stop must not need the workflow alive",
  },
  {
    functions: ["operator"],
    actions: [
      ...agentCore("InvokeAgentRuntime", "StopRuntimeSession", "GetAgentRuntime", "ListAgentRuntimes"),
      ...agentCore("DeleteAgentRuntime", "DeleteAgentRuntimeEndpoint", "DeleteWorkloadIdentity"),
      ...dynamo("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
      ...["s3:GetObject", "s3:ListBucket", "s3:PutObject", "states:StartExecution"],
      "cloudformation:DescribeStacks",
    ],
    because: "nobody operates this stack, and it is not deleted; stopping-cloud.test.ts does both",
  },
  {
    functions: ["janitor"],
    actions: agentCore("StopRuntimeSession"),
    because: "no profile keeps sessions ready here, or has done so before; in warm.test.ts some do",
  },
  {
    functions: ["Fail"],
    actions: dynamo("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    because: "no task fails for a reason of the platform here; in cloud-trouble.test.ts some do",
    rare: true,
  },
  {
    functions: ["janitor"],
    actions: [...dynamo("BatchGetItem", "DeleteItem", "UpdateItem"), "states:StartExecution"],
    because: "no execution dies here; in cloud-trouble.test.ts some do, and are recovered",
    rare: true,
  },
  {
    functions: ["Cleanup"],
    actions: dynamo("BatchGetItem"),
    because: "tasks whose records are read together, to let one of many begin",
    rare: true,
  },
  {
    functions: ["Provision", "AwaitReady", "Cleanup", "janitor"],
    actions: agentCore("ListAgentRuntimes"),
    because: "a runtime is looked for in the list only where its name is all that is known, or a Get of it was denied",
    rare: true,
  },
  {
    functions: ["janitor"],
    actions: [
      ...agentCore("ListTagsForResource"),
      "logs:DescribeLogGroups",
      "logs:DescribeLogStreams",
      "logs:PutRetentionPolicy",
      "logs:DeleteLogGroup",
    ],
    because: "nothing is left behind here that no record knows, and no machine prints: leftovers.test.ts",
    rare: true,
  },
  {
    functions: ["Provision"],
    actions: ["iam:CreateServiceLinkedRole"],
    because: "the deployment makes the role; only who finds it deleted makes it again",
  },
  {
    functions: ["Provision"],
    actions: agentCore("ListTagsForResource"),
    because: "asked of runtimes of which neither call nor configuration says what they are: contract-less.test.ts",
  },
  {
    functions: ["Provision"],
    actions: agentCore("StopRuntimeSession"),
    because:
      "a session whose worker is replaced before it had the job is stopped: test/backends/agentcore/backend.test.ts",
    rare: true,
  },
  {
    functions: ["AwaitReady", "Start", "SynchronousCall"],
    actions: ["logs:FilterLogEvents"],
    because: "read where a container did not start: test/backends/agentcore/runtime-logs.test.ts",
    rare: true,
  },
  {
    functions: ["SynchronousCall"],
    actions: [...agentCore("InvokeAgentRuntimeCommand", "StopRuntimeSession"), "s3:GetObject", "s3:PutObject"],
    because:
      "a command on a runtime without the contract, and what is large: test/backends/agentcore/contract-less.test.ts",
  },
  {
    functions: ["Watch"],
    actions: ["s3:GetObject", "s3:PutObject"],
    because: "what is large may as well be kept and read by a caller that waits, who looks in its place",
    rare: true,
  },
  {
    functions: ["Cleanup"],
    actions: agentCore("DeleteAgentRuntime", "DeleteAgentRuntimeEndpoint", "DeleteWorkloadIdentity", "GetAgentRuntime"),
    because: "tasks share runtimes here, which the janitor deletes; in cloud-trouble.test.ts some have their own",
  },
];

const pairs = (those: readonly Unused[]): string[] =>
  those.flatMap(({ functions, actions }) => functions.flatMap((name) => actions.map((action) => `${name} ${action}`)));

/** Of what is granted and was not used, as `function action`, that which has no reason here. */
export function withoutReason(unused: readonly string[]): string[] {
  const known = new Set(pairs(unusedPermissions));
  return unused.filter((pair) => !known.has(pair));
}

/** What has a reason here that does not hold: it was used, or is not granted at all. */
export function withoutNeed(unused: readonly string[]): string[] {
  const left = new Set(unused);
  return pairs(unusedPermissions.filter(({ rare }) => !rare)).filter((pair) => !left.has(pair));
}
