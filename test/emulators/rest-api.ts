import { randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { tooLong } from "../../lib/infra/too-long.ts";
import { type Caller, newCaller, REGION, SERVICE } from "../aws/callers.ts";
import type { DeployedFunction } from "./lambda-runner.ts";
import { listen } from "./requests/listen.ts";
import { type Flaw, flawOf } from "./requests/signature.ts";

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MAX_PAYLOAD = 10 * 1024 * 1024;
/** Of the event that a function gets: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_EVENT = 6 * 1024 * 1024;
const MAX_METADATA = 16 * 1024;
const DELIMITER = Buffer.alloc(8);

type Call = { method?: string; headers?: Record<string, string[]>; body?: string; base64?: boolean };

/** The event that a REST API hands to a function for a request of this caller. */
export function restEvent(principal: string, { method = "POST", headers = {}, body, base64 = false }: Call) {
  return {
    resource: "/mcp",
    path: "/mcp",
    httpMethod: method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      resourceId: "abc123",
      resourcePath: "/mcp",
      httpMethod: method,
      path: "/live/mcp",
      accountId: "123456789012",
      protocol: "HTTP/1.1",
      stage: "live",
      domainPrefix: "api1234567",
      domainName: "api1234567.execute-api.us-east-1.amazonaws.com",
      apiId: "api1234567",
      requestId: randomUUID(),
      requestTimeEpoch: Date.now(),
      identity: {
        accountId: "123456789012",
        caller: "AROAEXAMPLE:session",
        user: "AROAEXAMPLE:session",
        userArn: principal,
        sourceIp: "192.0.2.1",
        userAgent: "test",
        apiKey: null,
      },
    },
    body: body ?? null,
    isBase64Encoded: base64,
  };
}

export type Streamed = { statusCode: number; headers: Record<string, string>; body: AsyncIterable<Uint8Array> };

/** Reads a streamed answer as the gateway does. Throws when it does not begin with metadata. */
export async function readStreamed(answer: Response): Promise<Streamed> {
  const chunks = (answer.body ?? new ReadableStream<Uint8Array>()).values();
  let head = Buffer.alloc(0);
  while (!head.includes(DELIMITER)) {
    const { done, value } = await chunks.next();
    if (done || head.length > MAX_METADATA) throw new Error(`no metadata: ${head.toString().slice(0, 500)}`);
    head = Buffer.concat([head, value]);
  }
  const end = head.indexOf(DELIMITER);
  const { statusCode, headers } = JSON.parse(head.subarray(0, end).toString()) as Omit<Streamed, "body">;
  if (end > MAX_METADATA || !Number.isInteger(statusCode)) throw new Error("metadata that the gateway refuses");
  async function* body() {
    if (head.length > end + DELIMITER.length) yield head.subarray(end + DELIMITER.length);
    yield* chunks;
  }
  return { statusCode, headers, body: body() };
}

/**
 * What the gateway adds to a request that has none:
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
const newTrace = (): string =>
  `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString("hex")}`;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html */
const flawAnswers: Partial<Record<Flaw, readonly [type: string, message: string]>> = {
  missing: ["MissingAuthenticationTokenException", "Missing Authentication Token"],
  malformed: ["IncompleteSignatureException", "Authorization header requires 'Credential' parameter"],
  unknown_key: ["UnrecognizedClientException", "The security token included in the request is invalid."],
};
const badSignature = ["InvalidSignatureException", "The request signature does not match"] as const;

/**
 * A REST API of one method in front of a function that streams. The callers that it was told of may call it, and each
 * request must be signed by one.
 *
 * Left out: other methods and paths, throttling and usage plans, access logs, resource policies, idle and longest times of a
 * stream, and the pace of what is longer than 10 MB.
 */
export async function openRestApi(target: Pick<DeployedFunction, "invoke">) {
  const callers = new Map<string, Caller>();

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const refuse = (status: number, type: string, message: string) =>
      void response.writeHead(status, { "x-amzn-errortype": type }).end(JSON.stringify({ message }));
    const identities = Object.fromEntries([...callers].map(([id, { secretAccessKey }]) => [id, secretAccessKey]));
    const flaw = await flawOf(request, body, { service: SERVICE, region: REGION, identities, nowMs: Date.now() });
    if (flaw) return refuse(403, ...(flawAnswers[flaw] ?? badSignature));
    // This and what is too long for the function answer as https://github.com/koki-develop/lgtm-generator/issues/10 saw it.
    if (body.length > MAX_PAYLOAD)
      return void response
        .writeHead(413, { "content-type": "text" })
        .end(`HTTP content length exceeded ${MAX_PAYLOAD} bytes.`);
    const [, accessKeyId = ""] = /Credential=([^/]+)/.exec(request.headers.authorization ?? "") ?? [];
    const event = restEvent(callers.get(accessKeyId)?.userArn ?? "", {
      method: request.method ?? "",
      headers: {
        "X-Amzn-Trace-Id": [newTrace()],
        ...Object.fromEntries(Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values])),
      },
      ...(body.length > 0 && { body: body.toString() }),
    });
    if (Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT) {
      response.writeHead(413, { "content-type": "application/json", "x-amzn-errortype": "BadRequestException" });
      return void response.end(tooLong);
    }
    try {
      const streamed = await readStreamed(await target.invoke(event, { signal: gone.signal }));
      response.writeHead(streamed.statusCode, streamed.headers).flushHeaders();
      for await (const chunk of streamed.body) response.write(chunk);
      response.end();
    } catch (error) {
      if (gone.signal.aborted) return;
      if (response.headersSent) response.destroy();
      else refuse(502, "InternalServerErrorException", `Internal server error: ${error}`);
    }
  }
  const server = createServer((request, response) => void answer(request, response));
  const { endpoint, close } = await listen(server);
  return {
    url: `${endpoint}/live/mcp`,
    /** A caller with an access key that this API knows, a new one unless it is given. */
    admit(userArn?: string, keys: Partial<Pick<Caller, "accessKeyId" | "secretAccessKey">> = {}): Caller {
      const caller = { ...newCaller(userArn), ...keys };
      callers.set(caller.accessKeyId, caller);
      return caller;
    },
    stop: close,
  };
}
