import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as agentcore from "@aws-sdk/client-bedrock-agentcore";
import * as agentcoreControl from "@aws-sdk/client-bedrock-agentcore-control";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as s3 from "@aws-sdk/client-s3";
import * as quotas from "@aws-sdk/client-service-quotas";
import * as sfn from "@aws-sdk/client-sfn";
import * as sts from "@aws-sdk/client-sts";
import { isThrottlingError, isTransientError } from "@smithy/core/retry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf, isPassing } from "../../lib/aws/sdk-errors.ts";

const options = {
  region: "us-west-2",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  maxAttempts: 1,
};
type At = { endpoint: string };
const runtimeArn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234";

/** A request of each client that is used, made at an endpoint. */
const requests: Record<string, (at: At) => Promise<unknown>> = {
  AgentCore: (at) =>
    new agentcore.BedrockAgentCoreClient({ ...options, ...at }).send(
      new agentcore.InvokeAgentRuntimeCommand({ agentRuntimeArn: runtimeArn, payload: new Uint8Array() }),
    ),
  "AgentCore Control": (at) =>
    new agentcoreControl.BedrockAgentCoreControlClient({ ...options, ...at }).send(
      new agentcoreControl.GetAgentRuntimeCommand({ agentRuntimeId: "my_runtime-AbCdEf1234" }),
    ),
  "CloudWatch Logs": (at) =>
    new logs.CloudWatchLogsClient({ ...options, ...at }).send(
      new logs.FilterLogEventsCommand({ logGroupName: "group" }),
    ),
  DynamoDB: (at) =>
    new dynamodb.DynamoDBClient({ ...options, ...at }).send(
      new dynamodb.GetItemCommand({ TableName: "table", Key: { pk: { S: "a" } } }),
    ),
  S3: (at) =>
    new s3.S3Client({ ...options, ...at, forcePathStyle: true }).send(
      new s3.GetObjectCommand({ Bucket: "bucket", Key: "key" }),
    ),
  "Service Quotas": (at) =>
    new quotas.ServiceQuotasClient({ ...options, ...at }).send(
      new quotas.GetServiceQuotaCommand({ ServiceCode: "a", QuotaCode: "b" }),
    ),
  "Step Functions": (at) =>
    new sfn.SFNClient({ ...options, ...at }).send(new sfn.StartExecutionCommand({ stateMachineArn: "arn" })),
  STS: (at) => new sts.STSClient({ ...options, ...at }).send(new sts.GetCallerIdentityCommand({})),
};

/** An error in every shape that the services give it: a header and JSON, or XML. */
const refuse = (status: number, name: string) => (response: ServerResponse, isXml: boolean) => {
  const xml = `<Error><Code>${name}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { "content-type": isXml ? "text/xml" : "application/json", "x-amzn-errortype": name });
  response.end(isXml ? xml : JSON.stringify({ __type: name, message: "no" }));
};
const stsXml = (status: number, name: string) => (response: ServerResponse) => {
  response.writeHead(status, { "content-type": "text/xml" });
  response.end(`<ErrorResponse><Error><Code>${name}</Code><Message>no</Message></Error></ErrorResponse>`);
};

describe.each(Object.keys(requests))("a request to %s that fails", (client) => {
  let answer: (response: ServerResponse) => void;
  const server = createServer((request, response) => request.resume().once("end", () => answer(response)));
  let endpoint: string;
  beforeAll(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const thrown = (at = endpoint) =>
    requests[client]?.({ endpoint: at }).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );
  const refusing = (status: number, name: string) => (response: ServerResponse) =>
    client === "STS" ? stsXml(status, name)(response) : refuse(status, name)(response, client === "S3");

  test.each([
    [400, "ThrottlingException", "throttled"],
    [429, "SomethingElse", "throttled"],
    [400, "ServiceQuotaExceededException", "quota"],
    [409, "ConflictException", "conflict"],
    [403, "ExpiredTokenException", "credentials"],
    [403, "UnrecognizedClientException", "credentials"],
    [403, "AccessDeniedException", "denied"],
    [404, "ResourceNotFoundException", "missing"],
    [400, "ValidationException", "invalid"],
    [400, "SomethingElse", "refused"],
    [500, "InternalServerException", "unanswered"],
    [503, "ServiceUnavailable", "unanswered"],
  ])("with %i %s is %s", async (status, name, failure) => {
    answer = refusing(status, name);
    expect(failureOf(await thrown())).toBe(failure);
  });

  test("on the way to an answer is unanswered, and where nobody listens nothing was sent", async () => {
    answer = (response) => response.destroy();
    expect(failureOf(await thrown())).toBe("unanswered");
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(failureOf(await thrown(`http://127.0.0.1:${port}`))).toBe("unsent");
  });
});

type Thrown = new (options: object) => Error & Parameters<typeof isThrottlingError>[0];
const isError = (value: unknown): value is Thrown =>
  typeof value === "function" && value.prototype instanceof Error && !/ServiceException$/.test(value.name);
const clients = { agentcore, agentcoreControl, logs, dynamodb, s3, quotas, sfn, sts };
const shapes = Object.entries(clients).flatMap(([client, exported]) =>
  Object.values(exported)
    .filter(isError)
    .map((Shape) => [client, Shape.name, Shape] as const),
);

test("there are shapes", () => expect(shapes.length).toBeGreaterThan(100));

test.each(shapes)("%s: %s is what the SDK takes it for", (_client, name, Shape) => {
  const answered = new Shape({ message: "no", $metadata: { httpStatusCode: 400 } });
  const failure = failureOf(answered);
  expect(failure).toBeDefined();
  if (isThrottlingError(answered) || isTransientError(answered)) expect(isPassing(answered)).toBe(true);
  if (failure === "throttled") expect(isThrottlingError(answered) || name === "KmsThrottlingException").toBe(true);
  if (answered.$fault === "server") expect(["unanswered", "throttled"]).toContain(failure);
  // Those in the middle of a stream come without a status.
  const streamed = new Shape({ message: "no", $metadata: {} });
  if (answered.$fault === "server") expect(failureOf(streamed)).toBe(failure);
});

test.each([
  // The peer is refused for its certificate before anything is sent.
  ["CERT_HAS_EXPIRED", "unsent"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "unsent"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "unsent"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unsent"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unsent"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "unsent"],
  // These come in mid-stream as well.
  ["ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC", "unanswered"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "unanswered"],
  ["ERR_TLS_RENEGOTIATION_DISABLED", "unanswered"],
  ["EPROTO", "unanswered"],
  ["ECONNRESET", "unanswered"],
])("a connection that fails with %s is %s", (code, failure) => {
  expect(failureOf(Object.assign(new Error("no"), { code }))).toBe(failure);
});

test("what is no request's failure is none", () => {
  for (const other of [undefined, "no", new Error("no"), new TypeError("no"), { name: "ThrottlingException" }])
    expect(failureOf(other)).toBeUndefined();
});
