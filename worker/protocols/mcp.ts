import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type CallToolResult, createMcpHandler, McpServer, type ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { DispatchError } from "../../lib/contract/errors.ts";
import { questionText } from "../../lib/contract/input-requests.ts";
import { isObject, type JsonObject } from "../../lib/contract/json.ts";
import { report } from "../report.ts";
import type { Session } from "../sessions/session.ts";
import type { Turn, TurnState } from "../turns/turn.ts";
import { version } from "../version.ts";
import { follow } from "./follow.ts";
import { perSession } from "./per-session.ts";
import type { Door } from "./protocol.ts";
import { answerOf, needsOf, reasonOf, saidBy } from "./said.ts";
import { readWishes, wishes } from "./wishes.ts";

/** https://modelcontextprotocol.io/specification/2026-07-28/basic/transports */
const PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion";

const inputSchema = z.strictObject({
  prompt: z.string().min(1).describe("What to do; or, with `turn`, the answer to what was asked"),
  context: z.record(z.string(), z.unknown()).optional().describe("What the agent should know besides"),
  turn: z.string().max(100).optional().describe("The `turn` of a result whose status is input_required"),
  ...wishes,
});
type Arguments = z.infer<typeof inputSchema>;

/**
 * What is under way in a session: turns that ask, by the name that their answer is to give, and calls by the id of their
 * request.
 */
type Open = { asking: Map<string, Turn>; calls: Map<unknown, Turn> };

/**
 * MCP with one tool, `run`, that answers when the agent has: https://modelcontextprotocol.io/specification. A client that
 * cancels its call, or leaves, ends the turn.
 */
export function mcpDoor(): Door {
  const openIn = perSession((): Open => ({ asking: new Map(), calls: new Map() }));
  return {
    takes: () => true,
    answer: async ({ session, body, request, response, gone }) => {
      const onerror = (error: Error) => report("a message of MCP failed", error);
      // A client of 2025 says so in a request of its own, of which the handler of the call hears nothing.
      const cancelled = body.method === "notifications/cancelled" && isObject(body.params) && body.params.requestId;
      if (cancelled !== false) openIn(session).calls.get(cancelled)?.cancel();
      const handler = createMcpHandler(() => serverFor(session, openIn(session)), { onerror });
      await send(await handler.fetch(webRequest(request, body, gone), { parsedBody: body }), response);
    },
  };
}

function serverFor(session: Session, open: Open): McpServer {
  const server = new McpServer(
    { name: "agent-dispatch-worker", version },
    { capabilities: { tools: { listChanged: false } } },
  );
  server.registerTool(
    "run",
    {
      title: "Run an agent",
      description:
        "Has the agent of this session work on a prompt until it is done, and returns its answer and its files. Progress is told meanwhile.",
      inputSchema,
    },
    (given, context) => run(session, open, given, context),
  );
  return server;
}

async function run(session: Session, open: Open, given: Arguments, context: ServerContext): Promise<CallToolResult> {
  const { id, signal, _meta, notify } = context.mcpReq;
  try {
    const turn = await turnOf(session, open, given);
    open.calls.set(id, turn);
    const progressToken = _meta?.progressToken;
    let progress = 0;
    const state = await follow(turn, signal, (event) => {
      const message = saidBy(event);
      if (message === undefined || progressToken === undefined) return;
      progress += 1;
      notify({ method: "notifications/progress", params: { progressToken, progress, message } }).catch(() => {});
    });
    if (open.calls.get(id) === turn) open.calls.delete(id);
    return resultOf(state, open, turn);
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    const { problem } = error;
    return failed(reasonOf(problem), { ok: false, status: "failed", error: problem });
  }
}

async function turnOf(session: Session, { asking }: Open, given: Arguments): Promise<Turn> {
  const { prompt, context, turn: name = "" } = given;
  const asked = asking.get(name);
  const isAnswered = asked && (await asked.answer(prompt));
  asking.delete(name);
  if (isAnswered) return asked;
  return session.say({ ...readWishes(given, ""), text: prompt, context, contextId: name });
}

function resultOf(state: TurnState, { asking }: Open, turn: Turn): CallToolResult {
  if (state.status === "input_required") {
    const name = crypto.randomUUID();
    asking.set(name, turn);
    const { status, requests: inputRequests } = state;
    const text = `${questionText(inputRequests)}\n\nCall run again with turn ${name} and the answer as its prompt.`;
    return { content: [{ type: "text", text }], structuredContent: { ok: false, status, turn: name, inputRequests } };
  }
  const { status, outcome, files } = state;
  const { text, data } = answerOf(outcome);
  const { error, usage } = outcome;
  const needs = needsOf(outcome);
  const said = {
    ok: status === "succeeded",
    status,
    ...(text !== undefined && { output: text }),
    ...(data !== undefined && { result: data }),
    ...(needs !== undefined && { needs }),
    ...(usage && { usage }),
    ...(error && { error }),
    artifacts: files.map(({ name, contentType, sizeBytes }) => ({ name, contentType, sizeBytes })),
  };
  if (error || status === "cancelled") return failed(error ? reasonOf(error) : "the run was cancelled", said);
  const blobs = files.flatMap(({ name, contentType, content }) =>
    content
      ? {
          type: "resource" as const,
          resource: { uri: `artifact:///${encodeURI(name)}`, mimeType: contentType, blob: content.toString("base64") },
        }
      : [],
  );
  const answer = text ?? (data === undefined ? "" : JSON.stringify(data));
  return { content: [{ type: "text", text: answer }, ...blobs], structuredContent: said };
}

const failed = (text: string, structuredContent: Record<string, unknown>): CallToolResult => ({
  isError: true,
  content: [{ type: "text", text }],
  structuredContent,
});

/**
 * The request without its body, which was read. AgentCore passes few headers on, so that what a client of 2026-07-28 says of
 * its body in headers is said again; a client may take fewer types than the transport wants to hear of.
 */
function webRequest({ headers: given }: IncomingMessage, body: JsonObject, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers.set(name, String(value));
  headers.set("accept", "application/json, text/event-stream");
  headers.set("content-type", "application/json");
  headers.delete("content-length");
  const params = isObject(body.params) ? body.params : {};
  const { [PROTOCOL_VERSION]: protocolVersion } = isObject(params._meta) ? params._meta : {};
  const said = { "mcp-method": body.method, "mcp-name": params.name, "mcp-protocol-version": protocolVersion };
  for (const [name, value] of Object.entries(said))
    if (protocolVersion !== undefined && typeof value === "string" && !headers.has(name)) headers.set(name, value);
  return new Request("http://localhost/mcp", { method: "POST", headers, signal });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (!answer.body) return void response.end();
  // A client that left is told nothing more.
  await pipeline(Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]), response).catch(() => {});
}
