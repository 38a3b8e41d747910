import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import { expect, test } from "vitest";
import { Synthesis } from "./synthesis.ts";

type Finding = { rule: string; path: string };
type Accepted = { rule: RegExp; at: RegExp; because: string };

/**
 * What the AwsSolutions rules find that is meant to be so, where, and why.
 * https://github.com/cdklabs/cdk-nag/blob/main/RULES.md#awssolutions
 */
const accepted: Accepted[] = [
  {
    rule: /^S1$/,
    at: /^Artifacts\/Bucket/,
    because: "who reads and writes is in the events of the tasks; a second bucket would hold the names of all files",
  },
  {
    rule: /^APIG2$/,
    at: /^Mcp\/Api/,
    because: "the function validates each request and names all mistakes together; API Gateway knows no MCP",
  },
  {
    rule: /^APIG3$/,
    at: /^Mcp\/Api/,
    because: "whoever is not a principal of the account is refused by its signature; a web ACL costs money while idle",
  },
  {
    rule: /^APIG6$/,
    at: /^Mcp\/Api/,
    because: "the log of executions would hold what is said; there is an access log, which does not",
  },
  { rule: /^COG4$/, at: /^Mcp\/Api/, because: "callers are IAM principals, and no users of a Cognito pool" },
  {
    rule: /^IAM4\[.*AmazonAPIGatewayPushToCloudWatchLogs\]$/,
    at: /^Mcp\/Api\/CloudWatchRole/,
    because: "the account's role for logs of all its APIs, with the policy that API Gateway documents for it",
  },
  {
    rule: /^IAM5\[Resource::\*\]$/,
    at: /^(?:WorkerRole|(?:Mcp|Janitor|Operator)\/Handler|Workflow\/\w+)\//,
    because:
      "traces, metrics, log deliveries, quotas, tokens and lists know no resources; permissions.test.ts has them all",
  },
  {
    rule: /^IAM5\[Resource::arn:<AWS::Partition>:logs:\*:<AWS::AccountId>:log-group:(?:\*|\/aws\/bedrock-agentcore\/runtimes\/(?:ad_.+_|shared_agent_dispatch-)\*)\]$/,
    at: /^WorkerRole\//,
    because: "AgentCore names a log group for a runtime that does not exist yet, and documents these resources",
  },
  {
    rule: /^IAM5\[Resource::arn:[^[\]]+:log-group:(?:\*|\/aws\/bedrock-agentcore\/runtimes\/shared_agent_dispatch-\*)\]$/,
    at: /^Janitor\/Handler\//,
    because: "a list of log groups has no narrower resource, and AgentCore chooses the end of a runtime's name",
  },
  {
    rule: /^IAM5\[Resource::arn:<AWS::Partition>:bedrock:\*::foundation-model\/anthropic\..+\]$/,
    at: /^WorkerRole\//,
    because: "an inference profile asks its model in whichever region Bedrock chooses",
  },
  {
    rule: /^IAM5\[Resource::arn:<AWS::Partition>:bedrock:\*:<AWS::AccountId>:inference-profile\/\*\]$/,
    at: /^Mcp\/Handler\//,
    because: "callers may name any model; whether it is there is read, and nothing is asked of it",
  },
  {
    rule: /^IAM5\[Resource::<ArtifactsBucket\w+\.Arn>\/tasks\/\*\]$/,
    at: /^(?:(?:Mcp|Janitor|Operator)\/Handler|Workflow\/\w+)\//,
    because: "files are named for tasks and contents that nobody knows before",
  },
  {
    rule: /^IAM5\[Resource::arn:[^[\]]+:runtime\/ad_.+_\*\]$/,
    at: /^(?:(?:Mcp|Janitor|Operator)\/Handler|Workflow\/\w+)\//,
    because: "runtimes are named for their stack, and end in letters that AgentCore chooses",
  },
  {
    rule: /^IAM5\[Resource::<SharedRuntime\w+\.AgentRuntimeArn>\/\*\]$/,
    at: /^(?:(?:Mcp|Janitor|Operator)\/Handler|Workflow\/\w+)\//,
    because: "a call is authorized for the runtime and for the endpoint below it",
  },
  {
    rule: /^IAM5\[Resource::arn:[^[\]]+:(?:runtime|workload-identity-directory\/default\/workload-identity)\/\*\]$/,
    at: /^Workflow\/Provision\//,
    because: "what is being made has no name yet; the tag of tasks is demanded in its place",
  },
  {
    rule: /^IAM5\[Resource::arn:[^[\]]+:workload-identity-directory\/default(?:\/workload-identity\/ad_.+_\*)?\]$/,
    at: /^(?:(?:Mcp|Janitor|Operator)\/Handler|Workflow\/Cleanup)\//,
    because: "the identity of a runtime is named like it, and deleted with it, in whichever region it was made",
  },
  {
    rule: /^IAM5\[Resource::.*:log-group:\/aws\/bedrock-agentcore\/runtimes\/(?!ad_|\*).+\]$/,
    at: /^Workflow\/(?:Start|SynchronousCall)\//,
    because: "log groups are named for a runtime and its endpoint; why a container did not start is said there alone",
  },
  {
    rule: /^IAM5\[Resource::arn:[^[\]]+:log-group:\/aws\/bedrock-agentcore\/runtimes\/ad_.+_\*\]$/,
    at: /^(?:Janitor\/Handler|Workflow\/(?:AwaitReady|Start|SynchronousCall))\//,
    because: "the log group of a runtime is named like it, read when it does not start, and removed some days after it",
  },
];

const file = { cloud: { alarmEmail: "on-call@example.com" } };
const reasonsFor = ({ rule, path }: Finding) =>
  accepted.filter((one) => one.rule.test(rule) && one.at.test(path.replace(/^[^/]+\//, "")));

/** What the rules find and nobody has accepted: then there is a report, and no synthesis. */
function findingsOf({ app, folder }: Synthesis): Finding[] {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  try {
    app.synth();
    return [];
  } catch {
    const report = JSON.parse(readFileSync(join(folder, "cdk.out/validation-report.json"), "utf8")) as {
      pluginReports: { violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[] }[];
    };
    return report.pluginReports.flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => ({
          rule: ruleName.replace(/^AwsSolutions-/, ""),
          path: constructPath,
        })),
      ),
    );
  }
}

const findings = findingsOf(await Synthesis.of(file));

test("everything that the rules find has one reason, and every reason something that is found", () => {
  expect(findings.length).toBeGreaterThan(20);
  expect(findings.filter((finding) => reasonsFor(finding).length !== 1)).toEqual([]);
  expect(accepted.filter((one) => !findings.some((finding) => reasonsFor(finding).includes(one)))).toEqual([]);
});

test("with that accepted there is nothing left to find", async () => {
  const built = await Synthesis.of(file);
  for (const finding of findings) {
    const construct = finding.path.split("/").reduce<IConstruct>((parent, id) => parent.node.findChild(id), built.app);
    for (const { because } of reasonsFor(finding))
      Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${finding.rule}`, reason: because });
  }
  expect(findingsOf(built)).toEqual([]);
});
