import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openObservation } from "../../lib/aws/observe/observe.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { openPorts } from "../../lib/system/aws.ts";
import { ROLE_ARN, RUNTIME_ARN } from "../mcp/ports.ts";
import { Synthesis, text } from "./synthesis.ts";

const file = {
  $schema: "./schema.json",
  stateDir: "state",
  cloud: { logLevel: "warn", logRetentionDays: 14, models: ["amazon.nova-pro-v1:0"] },
  retentionDays: 10,
  runtimes: { quick: { backend: "agentcore", framework: "echo" } },
};
const built = await Synthesis.of(file);
const functions = Object.entries(built.functions);

const environmentOf = ({ Environment }: Record<string, unknown>): Record<string, string> => {
  const { Variables } = Environment as { Variables: Record<string, unknown> };
  return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, text(value)]));
};

test("there is one for the endpoint, the janitor, operators and each step", () => {
  expect(functions.map(([name]) => name).sort()).toEqual(
    [
      "mcp",
      "janitor",
      "operator",
      "Provision",
      "AwaitReady",
      "Start",
      "SynchronousCall",
      "Watch",
      "Complete",
      "Fail",
      "Cleanup",
    ].sort(),
  );
});

describe.each(functions)("%s", (name, properties) => {
  const isStep = !["mcp", "janitor", "operator"].includes(name);

  test("runs on Node 24 and arm64, traced", () => {
    expect(properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "handler.handler",
      TracingConfig: { Mode: "Active" },
    });
  });

  test("is told everything that its handler reads, and nothing else", () => {
    const needed = [
      "logLevel",
      "table",
      "bucket",
      "stateMachine",
      "workerImage",
      "workerRole",
      "sharedRuntime",
      "runtimePrefix",
      "metricsNamespace",
      "serviceName",
    ] as const;
    const names = [...needed.map((key) => environmentVariables[key]), ...(isStep ? [environmentVariables.step] : [])];
    const environment = environmentOf(properties);
    expect(Object.keys(environment).sort()).toEqual(names.sort());
    expect(environment).toMatchObject({
      [environmentVariables.logLevel]: "warn",
      [environmentVariables.table]: "<TasksTable>",
      [environmentVariables.bucket]: "<ArtifactsBucket>",
      [environmentVariables.workerRole]: "<WorkerRole.Arn>",
      [environmentVariables.sharedRuntime]: "<SharedRuntime.AgentRuntimeArn>",
      [environmentVariables.runtimePrefix]: "ad_0a1b2c3d_",
      ...(isStep && { [environmentVariables.step]: name }),
    });
    expect(environment[environmentVariables.workerImage]).toMatch(
      /^123456789012\.dkr\.ecr\.us-west-2\.amazonaws\.com\/cdk-hnb659fds-container-assets-123456789012-us-west-2:[0-9a-f]{64}$/,
    );
  });

  test("logs as JSON, into a group of its own that forgets; what is no more than metrics passes at any level", () => {
    const { LoggingConfig } = properties as { LoggingConfig: Record<string, unknown> };
    expect(LoggingConfig).toMatchObject({ LogFormat: "JSON", ApplicationLogLevel: "INFO" });
    const id = (LoggingConfig.LogGroup as { Ref: string }).Ref;
    expect(built.resources[id]).toMatchObject({
      Type: "AWS::Logs::LogGroup",
      DeletionPolicy: "Delete",
      Properties: { RetentionInDays: 14, LogGroupName: `/aws/lambda/agent-dispatch/${name}` },
    });
  });

  test("opens its ports with the configuration beside its code", () => {
    const bundle = isStep ? "workflow" : name;
    const { log, observe } = openObservation({ level: "error", version: "0" });
    const folder = join(built.folder, "dist/lambdas", bundle);
    // Only a deployment knows what it has made.
    const made = {
      [environmentVariables.sharedRuntime]: RUNTIME_ARN,
      [environmentVariables.workerRole]: ROLE_ARN,
      AWS_REGION: "us-west-2",
    };
    const ports = openPorts({ folder, log, observe, env: { ...environmentOf(properties), ...made } });
    expect(Object.keys(ports.configuration().runtimes)).toEqual(["worker", "shared", "quick"]);
    expect(ports.configuration().retentionDays).toBe(10);
  });
});

test("the configuration is shipped as it was written, without what only says how to deploy", () => {
  const shipped = functions.map(([, { Code }]) => {
    const hash = text((Code as { S3Key: unknown }).S3Key).replace(".zip", "");
    expect(Object.keys(built.assets.files)).toContain(hash);
    return JSON.parse(readFileSync(join(built.folder, `cdk.out/asset.${hash}/configuration.json`), "utf8"));
  });
  const { retentionDays, runtimes, cloud } = file;
  // The first of the models is the one that an agent asks where nobody says which.
  expect(shipped).toEqual(functions.map(() => ({ retentionDays, runtimes, cloud: { models: cloud.models } })));
});

test("every log group forgets, and goes with the stack", () => {
  const groups = built.ofType("AWS::Logs::LogGroup");
  expect(groups.length).toBeGreaterThan(functions.length);
  for (const [, group] of groups)
    expect(group).toMatchObject({ DeletionPolicy: "Delete", Properties: { RetentionInDays: 14 } });
  const written = built.ofType("AWS::Lambda::Function").map(([, { Properties }]) => Properties.LoggingConfig);
  expect(written.filter((config) => (config as { LogGroup?: unknown } | undefined)?.LogGroup === undefined)).toEqual(
    [],
  );
});
