import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { A2A_PROTOCOL_VERSION, type AgentCard, formatSSEErrorEvent, formatSSEEvent, SSE_HEADERS } from "@a2a-js/sdk";
import { LegacyJsonRpcTransportHandler } from "@a2a-js/sdk/compat/v0_3/server";
import {
  defaultServerCallContextBuilder,
  JsonRpcTransportHandler,
  type ServerCallContext,
  UnauthenticatedUser,
  validateVersion,
} from "@a2a-js/sdk/server";
import { isObject, type JsonObject } from "../../lib/contract/json.ts";
import { report } from "../report.ts";
import { sendJson } from "../send-json.ts";
import type { Session } from "../sessions/session.ts";
import { SessionAgent } from "./a2a/agent.ts";
import { agentCard, cardJson } from "./a2a/card.ts";
import { SessionRequestHandler } from "./a2a/request-handler.ts";
import { SessionTasks } from "./a2a/task-store.ts";
import { perSession } from "./per-session.ts";
import type { Door, ProtocolExchange } from "./protocol.ts";

const LEGACY = "0.3";
const VERSION_HEADER = "a2a-version";
/** For so long a client need not ask for the card again, in seconds. */
const CARD_SECONDS = 300;

/** What AgentCore tells a container of where it is reached: https://github.com/aws/bedrock-agentcore-sdk-python */
const RUNTIME_URL = "AGENTCORE_RUNTIME_URL";

type Handler = { handle(body: JsonObject, context: ServerCallContext): Promise<object> };
type Served = { agent: SessionAgent; tasks: SessionTasks; current: Handler; legacy: Handler };

/**
 * A2A over JSON-RPC, version 1.0 and 0.3: https://a2a-protocol.org/latest/specification/. A client that leaves does not end
 * what it asked for: the task goes on, and can be read.
 */
export function a2aDoor(): Door {
  const cardFor = ({ headers }: Pick<IncomingMessage, "headers">) =>
    agentCard(process.env[RUNTIME_URL] || `http://${headers.host ?? "localhost"}/`);
  const card = cardFor({ headers: {} });
  const servedIn = perSession((session) => serve(session, card));
  return {
    takes: () => true,
    page: (request, response) => {
      const body = JSON.stringify(cardJson(cardFor(request), request.headers[VERSION_HEADER]?.toString()));
      const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
      const headers = { etag, "cache-control": `max-age=${CARD_SECONDS}`, vary: "A2A-Version, Host" };
      if (request.headers["if-none-match"] === etag) return void response.writeHead(304, headers).end();
      response.writeHead(200, { ...headers, "content-type": "application/json" }).end(body);
    },
    answer: (exchange) => answer(exchange, card, servedIn(exchange.session)),
  };
}

function serve(session: Session, card: AgentCard): Served {
  const agent = new SessionAgent(session);
  const tasks = new SessionTasks();
  const handler = new SessionRequestHandler(card, tasks, agent, agent.buses);
  const [current, legacy] = [new JsonRpcTransportHandler(handler), new LegacyJsonRpcTransportHandler(handler)];
  return { agent, tasks, current, legacy };
}

async function answer(exchange: ProtocolExchange, card: AgentCard, served: Served): Promise<void> {
  const { session, body, request, response } = exchange;
  const version = versionOf(request, body);
  const isLegacy = version === LEGACY;
  const problemOf = isLegacy
    ? LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError
    : JsonRpcTransportHandler.mapToJSONRPCError;
  const failed = (error: unknown) => ({ jsonrpc: "2.0" as const, id: idOf(body), error: problemOf(error) });
  const context = defaultServerCallContextBuilder({
    extensions: undefined,
    user: new UnauthenticatedUser(),
    headers: request.headers,
    requestedVersion: version,
  });
  try {
    validateVersion(context.requestedVersion ?? version, card, "JSONRPC");
    const { task } = session;
    if (task && namedTask(body) === task.task.taskId) await served.agent.adopt(task, served.tasks, context);
    const reply = await (isLegacy ? served.legacy : served.current).handle(body, context);
    if (isStream(reply)) await stream(reply, response, failed);
    else sendJson(response, 200, reply);
  } catch (error) {
    report("a message of A2A failed", error);
    if (!response.headersSent) sendJson(response, 200, failed(error));
  }
}

/** A proxy may have dropped the header: the names of methods tell the versions apart. */
function versionOf({ headers }: IncomingMessage, { method }: JsonObject): string {
  const named = headers[VERSION_HEADER]?.toString();
  if (named) return named;
  return typeof method === "string" && /^[A-Z]/.test(method) ? A2A_PROTOCOL_VERSION : LEGACY;
}

const idOf = ({ id }: JsonObject) => (typeof id === "string" || typeof id === "number" ? id : null);

function namedTask({ params }: JsonObject): unknown {
  if (!isObject(params)) return undefined;
  return params.id ?? (isObject(params.message) ? params.message.taskId : undefined);
}

const isStream = (reply: object): reply is AsyncIterable<object> => Symbol.asyncIterator in reply;

/** What is read here is what is kept of the task, so that all of it is read, whoever is there to hear it. */
async function stream(
  events: AsyncIterable<object>,
  response: ServerResponse,
  failed: (error: unknown) => object,
): Promise<void> {
  try {
    for await (const event of events) {
      if (response.destroyed) continue;
      if (!response.headersSent) response.writeHead(200, SSE_HEADERS);
      response.write(formatSSEEvent(event));
    }
  } catch (error) {
    if (!response.headersSent) return sendJson(response, 200, failed(error));
    if (!response.destroyed) response.write(formatSSEErrorEvent(failed(error)));
  }
  response.end();
}
