import { describe, expect, test } from "vitest";
import { Synthesis, text } from "./synthesis.ts";

const built = await Synthesis.of({ cloud: { throttle: { requestsPerSecond: 7, burst: 9 } } });
const account = "us-west-2:123456789012";

test("it is one regional API with one path, at its own address", () => {
  expect(built.only("AWS::ApiGateway::RestApi")).toMatchObject({ EndpointConfiguration: { Types: ["REGIONAL"] } });
  expect(built.only("AWS::ApiGateway::RestApi")).not.toHaveProperty("DisableExecuteApiEndpoint");
  expect(built.only("AWS::ApiGateway::Resource")).toMatchObject({ PathPart: "mcp" });
  const { Outputs } = built.template.toJSON();
  expect(text(Outputs.Endpoint.Value)).toBe(
    "https://<McpApi>.execute-api.us-west-2.amazonaws.com/<McpApiDeploymentStagelive>/mcp",
  );
});

test("every method takes signed requests alone, and streams for a quarter of an hour", () => {
  const methods = built.ofType("AWS::ApiGateway::Method").map(([, { Properties }]) => Properties);
  expect(methods).toHaveLength(1);
  for (const method of methods) {
    expect(method).toMatchObject({
      HttpMethod: "ANY",
      AuthorizationType: "AWS_IAM",
      Integration: {
        Type: "AWS_PROXY",
        IntegrationHttpMethod: "POST",
        ResponseTransferMode: "STREAM",
        TimeoutInMillis: 900_000,
      },
    });
    expect(text((method.Integration as { Uri: unknown }).Uri)).toBe(
      "arn:aws:apigateway:us-west-2:lambda:path/2021-11-15/functions/<McpHandlerFunction.Arn>/response-streaming-invocations",
    );
  }
});

describe("the stage", () => {
  const stage = built.only("AWS::ApiGateway::Stage") as {
    AccessLogSetting: { Format: string; DestinationArn: unknown };
  } & Record<string, unknown>;

  test("is traced, measured and throttled, and logs nothing of what is said", () => {
    expect(stage).toMatchObject({ StageName: "live", TracingEnabled: true });
    expect(stage.MethodSettings).toEqual([
      {
        ResourcePath: "/*",
        HttpMethod: "*",
        LoggingLevel: "OFF",
        DataTraceEnabled: false,
        MetricsEnabled: true,
        ThrottlingRateLimit: 7,
        ThrottlingBurstLimit: 9,
      },
    ]);
  });

  test("logs who asked and how it ended, as JSON", () => {
    expect(text(stage.AccessLogSetting.DestinationArn)).toBe(`arn:aws:logs:${account}:log-group:<McpLogs>`);
    const format = JSON.parse(stage.AccessLogSetting.Format) as Record<string, string>;
    expect(format).toEqual({
      requestId: "$context.requestId",
      requestTime: "$context.requestTime",
      caller: "$context.identity.userArn",
      sourceIp: "$context.identity.sourceIp",
      httpMethod: "$context.httpMethod",
      path: "$context.path",
      status: "$context.status",
      responseLength: "$context.responseLength",
      responseLatency: "$context.responseLatency",
      errorType: "$context.error.responseType",
      traceId: "$context.xrayTraceId",
    });
  });

  test("waits for the account's role for logs, which stays for other APIs", () => {
    expect(built.ofType("AWS::ApiGateway::Account")).toMatchObject([
      [expect.any(String), { DeletionPolicy: "Retain" }],
    ]);
    const [[, stageResource] = []] = built.ofType("AWS::ApiGateway::Stage");
    expect([stageResource?.DependsOn].flat()).toContain(built.ofType("AWS::ApiGateway::Account")[0]?.[0]);
  });
});

describe("the function", () => {
  test("outlasts the longest wait of a call", () => {
    expect(built.functions.mcp).toMatchObject({ Timeout: 120, MemorySize: 1024, Handler: "handler.handler" });
  });

  test.each([
    [{}, 50],
    [{ mcp: 20 }, 20],
    [{ mcp: null }, undefined],
    [{ steps: 5 }, undefined],
    [{ steps: 5, mcp: 30 }, 30],
  ])("with concurrency %j serves at most %s calls at once", async (concurrency, most) => {
    const { functions } = await Synthesis.of({ cloud: { concurrency } });
    expect(functions.mcp?.ReservedConcurrentExecutions).toBe(most);
  });
});

test("the outputs end in the line that connects Claude Code", () => {
  const { Outputs } = built.template.toJSON();
  expect(text(Outputs.Connect.Value)).toBe(
    `claude mcp add agent-dispatch --env AWS_REGION=us-west-2 -- uvx mcp-proxy-for-aws@1.7.0 ${text(Outputs.Endpoint.Value)} --service execute-api --region us-west-2`,
  );
  expect(Object.keys(Outputs).sort()).toEqual([
    "BucketName",
    "Connect",
    "Endpoint",
    "Region",
    "SharedRuntimeArn",
    "StateMachineArn",
    "TableName",
    "WorkerImageUri",
    "WorkerRepository",
  ]);
});
