import { describe, expect, test } from "vitest";
import { CONTRACT_TAG } from "../../lib/contract/runtimes.ts";
import { CONTRACT } from "../../lib/contract/worker.ts";
import { Synthesis, text } from "./synthesis.ts";

const built = await Synthesis.of({ cloud: { models: ["us.anthropic.claude-opus-4-8"] } });

/** One line for each value, or for some that fit into one, so that a difference shows where it is. */
function linesOf(value: unknown, path = ""): string[] {
  const whole = `${path}: ${text(value)}`;
  const isValue = typeof value !== "object" || value === null || /^(?:Ref|Fn::.+)$/.test(Object.keys(value).join());
  if (isValue || (path !== "" && whole.length <= 100)) return [whole];
  return Object.entries(value).flatMap(([key, part]) => linesOf(part, path === "" ? key : `${path}.${key}`));
}

/** Contents change with every line of code, and the definition has tests of its own. */
const withoutContents = (line: string): string =>
  line.replaceAll(/[0-9a-f]{64}/g, "<hash>").replace(/(DefinitionString): .*/s, "$1: <definition>");

test("the template is as it was", async () => {
  const { Resources, Outputs, Parameters } = built.template.toJSON();
  const parts = Object.entries({ ...Parameters, ...Resources, ...Outputs } as Record<string, Record<string, unknown>>);
  const blocks = parts.map(([id, { Type = "Output", Metadata: _metadata, ...part }]) =>
    [`${Type} ${id}`, ...linesOf(part).map((line) => `  ${withoutContents(line)}`)].join("\n"),
  );
  await expect(`${blocks.join("\n\n")}\n`).toMatchFileSnapshot("fixtures/template.txt");
});

test("everything that can be tagged is, and says whose it is", () => {
  const tagged = Object.entries(built.resources).filter(([, { Properties }]) => Properties?.Tags !== undefined);
  for (const [, { Type, Properties }] of tagged) {
    const found = Properties.Tags as object;
    const tags = Array.isArray(found) ? found : Object.entries(found).map(([Key, Value]) => ({ Key, Value }));
    // By this its sessions are greeted as our workers.
    const more = Type === "AWS::BedrockAgentCore::Runtime" ? [{ Key: CONTRACT_TAG, Value: CONTRACT }] : [];
    expect(tags).toEqual([...more, { Key: "app", Value: "agent-dispatch" }]);
  }
  expect(built.stack.tags.tagValues()).toEqual({ app: "agent-dispatch" });
  const without = Object.values(built.resources).filter(({ Properties }) => Properties?.Tags === undefined);
  expect([...new Set(without.map(({ Type }) => Type))].sort()).toEqual([
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::IAM::Policy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "Custom::AgentDispatchSweep",
    "Custom::ServiceLinkedRole",
  ]);
});

describe("where it is deployed", () => {
  test("is for the command line to say", () => {
    const template = JSON.stringify(built.template.toJSON());
    expect(template).not.toContain("123456789012");
    expect(built.stack.environment).toBe("aws://unknown-account/unknown-region");
    expect(Object.keys(built.template.toJSON().Parameters)).toEqual(["BootstrapVersion"]);
  });

  test("names begin with the stack's, so that there can be two", async () => {
    const other = await Synthesis.of({ cloud: { stackName: "second" } });
    const names = (of: Synthesis) =>
      Object.values(of.resources).flatMap(({ Properties }) =>
        ["LogGroupName", "StateMachineName", "AgentRuntimeName", "FunctionName", "RoleName", "TopicName", "AlarmName"]
          .map((field) => Properties?.[field])
          .filter((name) => typeof name === "string"),
      );
    expect(names(built).length).toBeGreaterThan(10);
    expect(names(other)).toHaveLength(names(built).length);
    expect(names(built).filter((name) => names(other).includes(name))).toEqual([]);
  });
});
