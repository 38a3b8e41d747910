import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { encodeEvent } from "../agentcore/wire.ts";
import type { ModelRequest, ModelServer } from "./model-server.ts";
import { type Answer, nextStep, type Step, tokensOf } from "./script.ts";

type Message = { role: string; content: { text?: string }[] };
type Json = Record<string, unknown>;

/** `intercept` may give a step that comes before what the script says. */
export type Bedrock = ModelServer & { intercept?: () => Step | undefined };

/**
 * Of a status without another name in the message:
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
const errorTypes: Record<number, string> = {
  400: "ValidationException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  408: "ModelTimeoutException",
  424: "ModelErrorException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
};

/**
 * Bedrock's ConverseStream, as its SDK asks for it: HTTP/2 without TLS, answers as an event stream. One access key is known.
 * A message that begins with the name of an exception (`ExpiredTokenException: …`) is that exception.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 *
 * Left out: everything but that operation, signatures, reasoning, documents and pictures, guardrails, checks of what is sent.
 */
export async function startBedrock(key: string): Promise<Bedrock> {
  const requests: ModelRequest[] = [];
  const sessions = new Set<ServerHttp2Session>();
  let held = 0;
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => refuse(response, 400, String(error)));
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  async function answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const body = (await json(request)) as Json;
    requests.push({ path: request.url, headers: request.headers, body });
    if (!request.headers.authorization?.includes(`Credential=${key}/`))
      return refuse(
        response,
        403,
        "UnrecognizedClientException: The security token included in the request is invalid.",
      );
    if (!/^\/model\/[^/]+\/converse-stream$/.test(request.url))
      return refuse(response, 404, `no such path: ${request.url}`);
    const step = bedrock.intercept?.() ?? stepOf(body.messages as Message[]);
    if ("hang" in step) {
      held++;
      return;
    }
    if ("noModel" in step) return refuse(response, 400, "The provided model identifier is invalid.");
    if ("fail" in step) return refuse(response, step.fail, step.message ?? "as the script says");
    if ("limit" in step) return refuse(response, 429, "Too many tokens per day, please wait before trying again.");
    response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
    for (const [event, data] of eventsOf(step)) response.write(encodeEvent(event, data));
    response.end();
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bedrock: Bedrock = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get held() {
      return held;
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return bedrock;
}

const stepOf = (messages: Message[]): Step =>
  nextStep(
    messages.map(({ role, content }) => ({
      by: role === "assistant" ? "model" : "user",
      text: content.map(({ text = "" }) => text).join("\n"),
    })),
  );

function refuse(response: Http2ServerResponse, status: number, message: string): void {
  const [, named, rest] = /^(\w+Exception): (.*)$/s.exec(message) ?? [];
  const type = named ?? errorTypes[status] ?? "InternalServerException";
  response.writeHead(status, { "content-type": "application/json", "x-amzn-errortype": type });
  response.end(JSON.stringify({ message: rest ?? message }));
}

function eventsOf(answer: Answer): [event: string, data: Json][] {
  const { input, output, cached } = tokensOf(answer);
  const [start, delta, reason] = blockOf(answer);
  const usage = { inputTokens: input, outputTokens: output, totalTokens: input + output, cacheReadInputTokens: cached };
  return [
    ["messageStart", { role: "assistant" }],
    ["contentBlockStart", { contentBlockIndex: 0, start }],
    ["contentBlockDelta", { contentBlockIndex: 0, delta }],
    ["contentBlockStop", { contentBlockIndex: 0 }],
    ["messageStop", { stopReason: reason }],
    ["metadata", { usage, metrics: { latencyMs: 1 } }],
  ];
}

function blockOf(answer: Answer): [start: Json, delta: Json, reason: string] {
  if ("say" in answer) return [{}, { text: answer.say }, answer.reason ?? "end_turn"];
  const { tool, input } = "tool" in answer ? answer : { tool: "shell", input: { command: answer.run } };
  const toolUse = { toolUseId: `tooluse_${randomUUID().slice(0, 22)}`, name: tool };
  return [{ toolUse }, { toolUse: { input: JSON.stringify(input) } }, "tool_use"];
}
