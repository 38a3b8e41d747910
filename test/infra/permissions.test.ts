import { describe, expect, test } from "vitest";
import { type Statement, Synthesis, statementsOf, text } from "./synthesis.ts";

const built = await Synthesis.of();
const names = Object.keys(built.functions);

const account = "us-west-2:123456789012";
/** In every region: a task may be older than the configuration that names its region. */
const own = "arn:aws:bedrock-agentcore:*:123456789012:runtime/ad_0a1b2c3d_*";
const ownLogs = "arn:aws:logs:*:123456789012:log-group:/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_*";
const shared = ["<SharedRuntime.AgentRuntimeArn>", "<SharedRuntime.AgentRuntimeArn>/*"];
const identities = `arn:aws:bedrock-agentcore:${account}:workload-identity-directory/default`;

/** What one of the actions may be done to, over all statements; undefined where it may not be done. */
function resourcesFor(statements: Statement[], action: string): string[] | undefined {
  const found = statements.filter(({ actions }) => actions.includes(action));
  return found.length === 0 ? undefined : [...new Set(found.flatMap(({ resources }) => resources))].sort();
}

const actionsOf = (statements: Statement[], prefix: string): string[] =>
  [...new Set(statements.flatMap(({ actions }) => actions))].filter((action) => action.startsWith(prefix)).sort();

/** Which of the actions of a service each function may take. */
const byFunction = (prefix: string) =>
  Object.fromEntries(names.map((name) => [name, actionsOf(built.allowedTo(built.roleOf(name)), prefix)]));

const everyStatement = (["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] as const).flatMap((type) =>
  built.ofType(type).flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument)),
);

describe("nobody", () => {
  test("may take every action, or one of a service's", () => {
    expect(everyStatement.length).toBeGreaterThan(50);
    expect(everyStatement.filter(({ actions }) => actions.some((action) => action.includes("*")))).toEqual([]);
  });

  test.each([
    "dynamodb:Scan",
    "bedrock-agentcore:InvokeAgentRuntimeForUser",
    "bedrock-agentcore:InvokeAgentRuntimeCommandShell",
    "bedrock-agentcore:UpdateAgentRuntime",
    "s3:DeleteObject",
    "sts:AssumeRole",
    "states:StopExecution",
  ])("may %s", (action) => {
    expect(everyStatement.flatMap(({ actions }) => actions)).not.toContain(action);
  });

  test("may act on everything, but for what knows no resources", () => {
    const unbounded = everyStatement.filter(({ resources }) => resources.includes("*"));
    expect([...new Set(unbounded.flatMap(({ actions }) => actions))].sort()).toEqual([
      "aws-marketplace:Subscribe",
      "aws-marketplace:ViewSubscriptions",
      "bedrock-agentcore:ListAgentRuntimes",
      "bedrock:GetFoundationModelAvailability",
      "bedrock:GetUseCaseForModelAccess",
      "bedrock:ListInferenceProfiles",
      "cloudwatch:PutMetricData",
      "ecr:GetAuthorizationToken",
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
      "servicequotas:GetServiceQuota",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]);
  });

  test("has a managed policy, but for API Gateway's account", () => {
    const managed = built
      .ofType("AWS::IAM::Role")
      .flatMap(([, { Properties }]) => [Properties.ManagedPolicyArns ?? []].flat().map(text));
    expect(managed).toEqual(["arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"]);
  });
});

describe("on AgentCore", () => {
  test("each function may do what it calls, and no more", () => {
    const prefix = "bedrock-agentcore:";
    const allowed = Object.fromEntries(
      Object.entries(byFunction(prefix)).map(([name, actions]) => [
        name,
        actions.map((action) => action.slice(prefix.length)),
      ]),
    );
    expect(allowed).toEqual({
      mcp: [
        "DeleteAgentRuntime",
        "DeleteAgentRuntimeEndpoint",
        "DeleteWorkloadIdentity",
        "GetAgentRuntime",
        "GetAgentRuntimeEndpoint",
        "InvokeAgentRuntime",
        "ListAgentRuntimes",
        "ListTagsForResource",
        "StopRuntimeSession",
      ],
      operator: [
        "DeleteAgentRuntime",
        "DeleteAgentRuntimeEndpoint",
        "DeleteWorkloadIdentity",
        "GetAgentRuntime",
        "InvokeAgentRuntime",
        "ListAgentRuntimes",
        "StopRuntimeSession",
      ],
      janitor: [
        "DeleteAgentRuntime",
        "DeleteAgentRuntimeEndpoint",
        "DeleteWorkloadIdentity",
        "GetAgentRuntime",
        "ListAgentRuntimes",
        "ListTagsForResource",
        "StopRuntimeSession",
      ],
      Provision: [
        "CreateAgentRuntime",
        "CreateAgentRuntimeEndpoint",
        "CreateWorkloadIdentity",
        "GetAgentRuntime",
        "ListAgentRuntimes",
        "ListTagsForResource",
        "StopRuntimeSession",
        "TagResource",
      ],
      AwaitReady: ["GetAgentRuntime", "GetAgentRuntimeEndpoint", "ListAgentRuntimes"],
      Start: ["InvokeAgentRuntime"],
      SynchronousCall: ["InvokeAgentRuntime", "InvokeAgentRuntimeCommand", "StopRuntimeSession"],
      Watch: ["InvokeAgentRuntime"],
      Complete: ["InvokeAgentRuntime"],
      Fail: [],
      Cleanup: [
        "DeleteAgentRuntime",
        "DeleteAgentRuntimeEndpoint",
        "DeleteWorkloadIdentity",
        "GetAgentRuntime",
        "ListAgentRuntimes",
        "StopRuntimeSession",
      ],
    });
  });

  test.each([
    "InvokeAgentRuntime",
    "InvokeAgentRuntimeCommand",
    "GetAgentRuntime",
    "GetAgentRuntimeEndpoint",
    "ListTagsForResource",
    "StopRuntimeSession",
  ])("%s reaches runtimes of tasks and the shared one, with their endpoints", (verb) => {
    expect(resourcesFor(everyStatement, `bedrock-agentcore:${verb}`)).toEqual([...shared, own].sort());
  });

  test("only what was made for tasks can be deleted", () => {
    expect(resourcesFor(everyStatement, "bedrock-agentcore:DeleteAgentRuntime")).toEqual([own]);
    expect(resourcesFor(everyStatement, "bedrock-agentcore:DeleteAgentRuntimeEndpoint")).toEqual([own]);
    expect(resourcesFor(everyStatement, "bedrock-agentcore:DeleteWorkloadIdentity")).toEqual([
      "arn:aws:bedrock-agentcore:*:123456789012:workload-identity-directory/default",
      "arn:aws:bedrock-agentcore:*:123456789012:workload-identity-directory/default/workload-identity/ad_0a1b2c3d_*",
    ]);
    expect(resourcesFor(everyStatement, "logs:DeleteLogGroup")).toEqual([ownLogs]);
  });

  test("their logs are removed by the janitor alone, unless they go with their runtimes", async () => {
    const removers = (stack: Synthesis) =>
      Object.keys(stack.functions).filter((name) =>
        resourcesFor(stack.allowedTo(stack.roleOf(name)), "logs:DeleteLogGroup"),
      );
    expect(removers(built)).toEqual(["janitor"]);
    expect(removers(await Synthesis.of({ cloud: { runtimeLogDays: 0 } })).sort()).toEqual([
      "Cleanup",
      "janitor",
      "mcp",
      "operator",
    ]);
    const logs = "arn:aws:logs:*:123456789012:log-group:";
    const keeping = byFunction("logs:");
    expect(keeping.janitor).toEqual([
      "logs:CreateLogStream",
      "logs:DeleteLogGroup",
      "logs:DescribeLogGroups",
      "logs:DescribeLogStreams",
      "logs:PutLogEvents",
      "logs:PutRetentionPolicy",
    ]);
    const mayJanitor = (action: string) => resourcesFor(built.allowedTo(built.roleOf("janitor")), `logs:${action}`);
    expect(mayJanitor("DescribeLogGroups")).toEqual([`${logs}*`]);
    expect(mayJanitor("DescribeLogStreams")).toEqual([ownLogs]);
    expect(mayJanitor("PutRetentionPolicy")).toEqual([
      ownLogs,
      `${logs}/aws/bedrock-agentcore/runtimes/shared_agent_dispatch-*`,
    ]);
  });

  test("what is made carries the tag of a task, or of those that share it", () => {
    const making = everyStatement.filter(({ actions }) =>
      actions.some((action) => /:(?:CreateAgentRuntime|TagResource)$/.test(action)),
    );
    expect(making).toEqual([
      {
        Effect: "Allow",
        actions: ["bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:TagResource"],
        resources: [`arn:aws:bedrock-agentcore:${account}:runtime/*`, identities, `${identities}/workload-identity/*`],
        condition: '{"StringLike":{"aws:RequestTag/agentdispatch:task":["task_*","shared"]}}',
      },
    ]);
  });

  test("the worker's role is passed to AgentCore only, and only by Provision", () => {
    const passing = everyStatement.filter(({ actions }) => actions.includes("iam:PassRole"));
    expect(passing).toEqual([
      {
        Effect: "Allow",
        actions: ["iam:PassRole"],
        resources: ["<WorkerRole.Arn>"],
        condition: '{"StringEquals":{"iam:PassedToService":"bedrock-agentcore.amazonaws.com"}}',
      },
    ]);
    expect(byFunction("iam:").Provision).toEqual(["iam:CreateServiceLinkedRole", "iam:PassRole"]);
  });

  test("the account's one role of AgentCore can be made again by Provision, and by nobody a role of another service", () => {
    const service = "runtime-identity.bedrock-agentcore.amazonaws.com";
    expect(everyStatement.filter(({ actions }) => actions.includes("iam:CreateServiceLinkedRole"))).toEqual(
      Array(2).fill({
        Effect: "Allow",
        actions: ["iam:CreateServiceLinkedRole"],
        resources: [
          `arn:aws:iam::123456789012:role/aws-service-role/${service}/AWSServiceRoleForBedrockAgentCoreRuntimeIdentity`,
        ],
        condition: `{"StringEquals":{"iam:AWSServiceName":"${service}"}}`,
      }),
    );
    expect(Object.entries(byFunction("iam:")).filter(([, actions]) => actions.length > 0)).toHaveLength(1);
  });

  test("logs of containers are read by the steps that tell why one did not start", () => {
    const reading = byFunction("logs:FilterLogEvents");
    expect(names.filter((name) => reading[name]?.length)).toEqual(["AwaitReady", "Start", "SynchronousCall"]);
    const logsFor = (step: string) => resourcesFor(built.allowedTo(built.roleOf(step)), "logs:FilterLogEvents");
    expect(logsFor("AwaitReady")).toEqual([ownLogs]);
    expect(logsFor("Start")).toEqual([
      "arn:aws:logs:*:123456789012:log-group:/aws/bedrock-agentcore/runtimes/<1 of <SharedRuntime.AgentRuntimeArn> at />*",
      ownLogs,
    ]);
    expect(logsFor("SynchronousCall")).toEqual(logsFor("Start"));
  });

  test("quotas are read by the endpoint", () => {
    const reading = byFunction("servicequotas:");
    expect(names.filter((name) => reading[name]?.length)).toEqual(["mcp"]);
  });
});

describe("tasks", () => {
  test("every function reads and writes them, and nothing else of the table", () => {
    const verbs = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    for (const [name, actions] of Object.entries(byFunction("dynamodb:")))
      expect([name, actions]).toEqual([name, verbs.map((verb) => `dynamodb:${verb}`)]);
    expect(resourcesFor(everyStatement, "dynamodb:PutItem")).toEqual(["<TasksTable.Arn>"]);
    expect(resourcesFor(everyStatement, "dynamodb:Query")).toEqual([
      "<TasksTable.Arn>",
      "<TasksTable.Arn>/index/by-owner",
      "<TasksTable.Arn>/index/open",
    ]);
  });

  test("their files are read and written by those who do", () => {
    const readWrite = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"];
    expect(byFunction("s3:")).toEqual({
      mcp: readWrite,
      janitor: readWrite,
      operator: readWrite,
      Provision: [],
      AwaitReady: [],
      Start: ["s3:GetObject", "s3:ListBucket"],
      SynchronousCall: readWrite,
      Watch: readWrite,
      Complete: readWrite,
      Fail: [],
      Cleanup: readWrite,
    });
    expect(resourcesFor(everyStatement, "s3:PutObject")).toEqual(["<ArtifactsBucket.Arn>/tasks/*"]);
    expect(resourcesFor(everyStatement, "s3:GetObject")).toEqual(["<ArtifactsBucket.Arn>/tasks/*"]);
    expect(resourcesFor(everyStatement, "s3:ListBucket")).toEqual(["<ArtifactsBucket.Arn>"]);
  });

  test("executions of this workflow are started by those who admit or recover", () => {
    const starting = byFunction("states:");
    expect(names.filter((name) => starting[name]?.length).sort()).toEqual(["Cleanup", "janitor", "mcp", "operator"]);
    expect(resourcesFor(everyStatement, "states:StartExecution")).toEqual([
      `arn:aws:states:${account}:stateMachine:agent-dispatch`,
    ]);
  });
});

test("a function writes its own log and traces, and takes no other service", () => {
  const services = Object.fromEntries(
    names.map((name) => [
      name,
      [...new Set(actionsOf(built.allowedTo(built.roleOf(name)), "").map((action) => action.split(":")[0]))],
    ]),
  );
  expect(services.janitor).toEqual(["bedrock-agentcore", "dynamodb", "logs", "s3", "states", "xray"]);
  expect(services.Fail).toEqual(["dynamodb", "logs", "xray"]);
  for (const name of names) {
    const logs = resourcesFor(built.allowedTo(built.roleOf(name)), "logs:PutLogEvents");
    expect([name, logs]).toEqual([name, [expect.stringMatching(/^<\w+Logs\.Arn>$/)]]);
  }
});

test("only Lambda takes the roles of functions, and only API Gateway and the janitor's rules invoke them", () => {
  for (const name of names) {
    const role = Object.entries(built.resources).find(([id]) => id.startsWith(built.roleOf(name)))?.[1];
    expect(JSON.stringify(role?.Properties.AssumeRolePolicyDocument)).toContain('"Service":"lambda.amazonaws.com"');
  }
  const permissions = built.ofType("AWS::Lambda::Permission").map(([, { Properties }]) => ({
    who: Properties.Principal,
    what: text(Properties.FunctionName),
    from: text(Properties.SourceArn),
  }));
  expect(permissions).toEqual([
    {
      who: "apigateway.amazonaws.com",
      what: "<McpHandlerFunction.Arn>",
      from: `arn:aws:execute-api:${account}:<McpApi>/<McpApiDeploymentStagelive>/*/mcp`,
    },
    { who: "events.amazonaws.com", what: "<JanitorHandlerFunction.Arn>", from: "<JanitorSchedule.Arn>" },
    { who: "events.amazonaws.com", what: "<JanitorHandlerFunction.Arn>", from: "<JanitorDeaths.Arn>" },
  ]);
  // No service and no other account may invoke that of operators: their own credentials have to allow it.
  expect(JSON.stringify(permissions)).not.toContain("Operator");
});

test("the state machine invokes its own steps", () => {
  const machine = text(built.only("AWS::StepFunctions::StateMachine").RoleArn).replace(/^<(.+)\.Arn>$/, "$1");
  const steps = names.filter((name) => !["mcp", "janitor", "operator"].includes(name));
  expect(resourcesFor(built.allowedTo(machine), "lambda:InvokeFunction")).toEqual(
    steps.map((name) => `<Workflow${name}Function.Arn>`).sort(),
  );
});

describe("a configuration that names more", async () => {
  const arn = "arn:aws:bedrock-agentcore:eu-central-1:210987654321:runtime";
  const named = await Synthesis.of({
    accounts: { other: { provider: "aws", region: "eu-west-1", roleArn: "arn:aws:iam::210987654321:role/entered" } },
    backends: {
      theirs: {
        adapter: "aws-agentcore",
        account: "other",
        details: { runtimeArn: `${arn}/fixed-AbCdEf1234`, executionRoleArn: "arn:aws:iam::210987654321:role/theirs" },
      },
    },
    runtimes: { theirs: { backend: "theirs" } },
    allowed: { runtimes: [`${arn}/team_*`], roles: ["arn:aws:iam::123456789012:role/agents-*"] },
  });
  const may = (name: string) => named.allowedTo(named.roleOf(name));

  test("mirrors its patterns", () => {
    const usable = resourcesFor(may("Watch"), "bedrock-agentcore:InvokeAgentRuntime");
    expect(usable).toEqual(
      [...shared, `${arn}/fixed-AbCdEf1234`, `${arn}/fixed-AbCdEf1234/*`, `${arn}/team_*`, own].sort(),
    );
    expect(resourcesFor(may("Provision"), "bedrock-agentcore:CreateAgentRuntime")).toContain(
      "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/*",
    );
    expect(resourcesFor(may("mcp"), "bedrock-agentcore:GetAgentRuntime")).toEqual(usable);
    expect(resourcesFor(may("Cleanup"), "bedrock-agentcore:StopRuntimeSession")).toEqual(usable);
    expect(resourcesFor(may("Provision"), "iam:PassRole")).toEqual([
      "<WorkerRole.Arn>",
      "arn:aws:iam::123456789012:role/agents-*",
      "arn:aws:iam::210987654321:role/theirs",
    ]);
  });

  test("lets Provision and the endpoint's check ask what the tags of its private images stand for, and nobody else", async () => {
    expect(everyStatement.some(({ actions }) => actions.includes("ecr:DescribeImages"))).toBe(false);
    const images = await Synthesis.of({
      allowed: { repositories: ["123456789012.dkr.ecr.us-west-2.amazonaws.com/team/*", "public.ecr.aws/x/*"] },
    });
    const asking = Object.keys(images.functions).filter((name) =>
      resourcesFor(images.allowedTo(images.roleOf(name)), "ecr:DescribeImages"),
    );
    expect(asking.sort()).toEqual(["Provision", "mcp"]);
    expect(resourcesFor(images.allowedTo(images.roleOf("Provision")), "ecr:DescribeImages")).toEqual([
      "arn:aws:ecr:us-west-2:123456789012:repository/team/*",
    ]);
  });

  test("still deletes nothing but what was made for tasks", () => {
    const deletable = resourcesFor(may("Cleanup"), "bedrock-agentcore:DeleteAgentRuntime") ?? [];
    expect(deletable.filter((resource) => !resource.endsWith(":runtime/ad_0a1b2c3d_*"))).toEqual([]);
  });

  test("lets those who use AgentCore enter its accounts", () => {
    const entering = Object.keys(named.functions).filter((name) => resourcesFor(may(name), "sts:AssumeRole"));
    expect(entering.sort()).toEqual(
      [
        "AwaitReady",
        "Cleanup",
        "Complete",
        "SynchronousCall",
        "Provision",
        "Start",
        "Watch",
        "janitor",
        "mcp",
        "operator",
      ].sort(),
    );
    expect(resourcesFor(may("Watch"), "sts:AssumeRole")).toEqual(["arn:aws:iam::210987654321:role/entered"]);
  });
});

test("the janitor begins sessions, and makes runtimes for them, only where a profile keeps some ready; it may always stop them", async () => {
  const prefix = "bedrock-agentcore:";
  const mayJanitor = (stack: Synthesis) => actionsOf(stack.allowedTo(stack.roleOf("janitor")), "");
  const more = [
    `${prefix}CreateAgentRuntime`,
    `${prefix}GetAgentRuntimeEndpoint`,
    `${prefix}InvokeAgentRuntime`,
    "iam:PassRole",
  ];
  expect(mayJanitor(built)).toContain(`${prefix}StopRuntimeSession`);
  expect(mayJanitor(built).filter((action) => more.includes(action))).toEqual([]);
  const ready = await Synthesis.of({ runtimes: { ready: { backend: "agentcore", warm: 1 } } });
  expect(mayJanitor(ready)).toEqual(expect.arrayContaining(more));
  expect(resourcesFor(ready.allowedTo(ready.roleOf("janitor")), `${prefix}InvokeAgentRuntime`)).toEqual(
    [...shared, own].sort(),
  );
});

describe("agents", () => {
  const invoke = "execute-api:Invoke";

  test("call the endpoint, by POST and that of this API alone, where a profile lets them dispatch", async () => {
    const leading = await Synthesis.of({ runtimes: { lead: { backend: "agentcore", mayDispatch: true } } });
    expect(leading.allowedTo("WorkerRole").filter(({ actions }) => actions.includes(invoke))).toEqual([
      {
        Effect: "Allow",
        actions: [invoke],
        resources: [`arn:aws:execute-api:${account}:<McpApi>/live/POST/mcp`],
        condition: "{}",
      },
    ]);
    // It is where the stack says that it is, and nobody else is told.
    const told = Object.entries(leading.functions).flatMap(([name, { Environment }]) => {
      const { Variables } = Environment as { Variables: Record<string, unknown> };
      return "AGENTDISPATCH_AGENT_ENDPOINT" in Variables ? [[name, text(Variables.AGENTDISPATCH_AGENT_ENDPOINT)]] : [];
    });
    expect(told).toEqual([["Start", "https://<McpApi>.execute-api.us-west-2.amazonaws.com/live/mcp"]]);
    for (const name of Object.keys(leading.functions))
      expect(actionsOf(leading.allowedTo(leading.roleOf(name)), "execute-api:")).toEqual([]);
  });

  test.each([
    ["nothing of it", {}],
    ["that one may not", { lead: { backend: "agentcore", mayDispatch: false } }],
  ])("do not where a configuration says %s", async (_, runtimes) => {
    const stack = await Synthesis.of({ runtimes });
    expect(stack.allowedTo("WorkerRole").flatMap(({ actions }) => actions)).not.toContain(invoke);
    expect(JSON.stringify(stack.resources)).not.toContain("AGENTDISPATCH_AGENT_ENDPOINT");
  });
});

test("a pattern for anything is a runtime, or a role of the account", async () => {
  const open = await Synthesis.of({ allowed: { runtimes: ["*"], roles: ["*"] } });
  const may = (name: string) => open.allowedTo(open.roleOf(name));
  expect(resourcesFor(may("Watch"), "bedrock-agentcore:InvokeAgentRuntime")).toContain(
    "arn:aws:bedrock-agentcore:*:*:runtime/*",
  );
  expect(resourcesFor(may("Provision"), "iam:PassRole")).toContain("arn:aws:iam::123456789012:role/*");
});

test("where no role is named, none is passed", async () => {
  const bare = await Synthesis.of({ backends: { agentcore: { adapter: "aws-agentcore", account: "aws" } } });
  const allowed = bare.allowedTo(bare.roleOf("Provision"));
  expect(resourcesFor(allowed, "bedrock-agentcore:CreateAgentRuntime")).toBeDefined();
  expect(resourcesFor(allowed, "iam:PassRole")).toBeUndefined();
});
