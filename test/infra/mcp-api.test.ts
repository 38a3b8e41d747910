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

test("a request that no function can be given is answered as the endpoint answers one that is too long", () => {
  const response = built.only("AWS::ApiGateway::GatewayResponse");
  expect(response).toMatchObject({ ResponseType: "REQUEST_TOO_LARGE" });
  const { "application/json": template = "" } = response.ResponseTemplates as Record<string, string>;
  expect(JSON.parse(template)).toEqual({
    jsonrpc: "2.0",
    error: { code: -32_000, message: expect.stringContaining("too long") },
    id: null,
  });
  // A template of API Gateway: these would be read as its language.
  expect(template).not.toMatch(/[$#]/);
});

describe("the stage", () => {
  const stage = built.only("AWS::ApiGateway::Stage") as {
    AccessLogSetting: { Format: string; DestinationArn: unknown };
  } & Record<string, unknown>;

  test("is traced and throttled, pays for no metrics of each method, and logs nothing of what is said", () => {
    expect(stage).toMatchObject({ StageName: "live", TracingEnabled: true });
    expect(stage.MethodSettings).toEqual([
      {
        ResourcePath: "/*",
        HttpMethod: "*",
        LoggingLevel: "OFF",
        DataTraceEnabled: false,
        MetricsEnabled: false,
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
    expect(built.functions.mcp).toMatchObject({ Timeout: 120, MemorySize: 512, Handler: "handler.handler" });
  });

  test.each([
    [{ mcp: 20 }, 20],
    [{ mcp: null }, undefined],
    [{ steps: 5 }, undefined],
    [{ steps: 5, mcp: 30 }, 30],
  ])("with concurrency %j serves at most %s calls at once", async (concurrency, most) => {
    const { functions } = await Synthesis.of({ cloud: { concurrency } });
    expect(functions.mcp?.ReservedConcurrentExecutions).toBe(most);
  });

  test("as little as any other takes executions from the account's, of which a new one may have ten, unless it is told to", () => {
    const reserving = built
      .ofType("AWS::Lambda::Function")
      .filter(([, { Properties }]) => Object.hasOwn(Properties, "ReservedConcurrentExecutions"));
    expect(reserving).toEqual([]);
  });
});

test("the outputs end in the line that connects Claude Code", () => {
  const { Outputs } = built.template.toJSON();
  expect(text(Outputs.Connect.Value)).toBe(
    `claude mcp add agent-dispatch -- npx agent-dispatch bridge --endpoint ${text(Outputs.Endpoint.Value)}`,
  );
  expect(Object.keys(Outputs).sort()).toEqual([
    "BucketName",
    "Connect",
    "Endpoint",
    "OperatorFunctionArn",
    "Region",
    "RuntimePrefix",
    "SharedRuntimeArn",
    "StateMachineArn",
    "TableName",
    "WorkerImageUri",
    "WorkerRepository",
  ]);
});
