import {
  createMcpHandler,
  isLegacyRequest,
  isSpecType,
  legacyStatelessFallback,
  ProtocolError,
  ProtocolErrorCode,
  readRequestBody,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import manifest from "../../package.json" with { type: "json" };
import type { AgentService } from "../agents/service.ts";
import { parseBounded } from "../contract/bounded-json.ts";
import { DispatchError } from "../contract/errors.ts";
import { isObject, type JsonObject } from "../contract/json.ts";
import { MAX_CALL_BYTES } from "../contract/limits.ts";
import type { Logger } from "../contract/logger.ts";
import type { TaskService } from "../engine/service.ts";
import { answerBatch, mayBatch } from "./batch.ts";
import { type Call, callTool, textOf } from "./call-tool.ts";
import { isNestedTooDeeply } from "./hostile.ts";
import { listed } from "./listing.ts";
import { type ServedTool, serve } from "./tool.ts";
import { agentTools, tools } from "./tools/index.ts";

export type McpOptions = {
  /** All that a tool can reach: the tasks of whoever calls. */
  tasksOf(owner: string): TaskService;
  /** The agents of whoever calls; absent where none can live. */
  agentsOf?(owner: string): AgentService;
  log: Logger;
};

const instructions =
  "Runs long-running tasks as background jobs on another machine, in the cloud or on this one. Use it for work that takes " +
  "minutes to hours, that several agents can do side by side, or that must go on when this conversation ends: give an " +
  "agent an instruction with spawn_cloud_agent, or start a program such as a build or a test run with dispatch_task. Either " +
  "returns a taskId at once: keep it. Then use wait_for_task until the task has ended, and get_task_result. list_tasks " +
  "finds tasks of earlier conversations.";

/**
 * The MCP endpoint, as a web handler: revision 2026-07-28 and, statelessly, the 2025 ones. Answers are JSON, or a stream
 * where progress has to travel.
 *
 * @example
 * const mcp = createMcp({ tasksOf: (owner) => new TaskService(ports, owner), log });
 * const response = await mcp.fetch(request, "local");
 */
export function createMcp({ tasksOf, agentsOf, log }: McpOptions): {
  fetch(request: Request, owner: string): Promise<Response>;
} {
  const onerror = (error: Error) => log.debug("an MCP request was refused", { error: error.message });
  // Made when first listed: the schemas would be a tenth of what the function takes to start.
  let list: ReturnType<typeof listed>[] | undefined;
  const served = [
    ...tools.map((tool) => serve(tool, tasksOf)),
    ...(agentsOf ? agentTools.map((tool) => serve(tool, agentsOf)) : []),
  ];
  const byName = new Map<string, ServedTool>(served.map((tool) => [tool.name, tool]));

  /** A server for one message. */
  const serverFor = (call: Call) => {
    const server = new Server(
      { name: "agent-dispatch", title: "AgentDispatch", version: manifest.version },
      { capabilities: { tools: { listChanged: false } }, instructions },
    );
    server.setRequestHandler("tools/list", () => {
      list ??= served.map(listed);
      return { tools: list };
    });
    server.setRequestHandler("tools/call", ({ params }, context) => {
      const tool = byName.get(params.name);
      if (tool) return callTool(tool, call, context, log);
      const name = JSON.stringify(params.name.slice(0, 100));
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${name}; tools/list names them`);
    });
    return server;
  };

  /** One request of a 2025 client that is answered with a JSON body. */
  async function legacyJson(request: Request, call: Call, parsedBody: unknown): Promise<Response> {
    const server = serverFor(call);
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    transport.onerror = onerror;
    await server.connect(transport);
    const gone = Promise.withResolvers<Response>();
    const leave = () => gone.resolve(new Response(null, { status: 499 }));
    request.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([transport.handleRequest(request, { parsedBody }), gone.promise]);
    } finally {
      request.signal.removeEventListener("abort", leave);
      await server.close();
    }
  }

  async function receive(request: Request, owner: string): Promise<Response> {
    if (request.method !== "POST") {
      return rpcError(405, -32_000, "Method not allowed: this endpoint answers POST", null, { Allow: "POST" });
    }
    const read = await readRequestBody(request, MAX_CALL_BYTES).catch(onerror);
    if (!read) return rpcError(400, ProtocolErrorCode.ParseError, "Parse error: the body was cut off");
    if (read.tooLarge) return rpcError(413, -32_000, `The request is longer than ${MAX_CALL_BYTES} bytes`);
    let body: unknown;
    try {
      body = parseBounded(read.text);
    } catch (error) {
      if (error instanceof DispatchError) return rpcError(400, ProtocolErrorCode.InvalidRequest, error.message);
      return rpcError(400, ProtocolErrorCode.ParseError, "Parse error: the body is not JSON");
    }
    if (Array.isArray(body) && mayBatch(request)) {
      return answerBatch(body, {
        one: (message) => answer(bare(request), owner, message, false),
        refuse: (text, id) => rpcError(400, ProtocolErrorCode.InvalidRequest, text, id ?? null),
      });
    }
    if (!isObject(body))
      return rpcError(400, ProtocolErrorCode.InvalidRequest, "The body must be one JSON-RPC message");
    return answer(takesAnything(request) ? bare(request) : request, owner, body, true);
  }

  /** Answers one message of a request whose body was read. */
  async function answer(request: Request, owner: string, body: JsonObject, mayStream: boolean): Promise<Response> {
    const { message, taken } = takeArguments(body);
    if (isNestedTooDeeply(message)) {
      return rpcError(400, ProtocolErrorCode.InvalidRequest, "The request is nested too deeply", idOf(body));
    }
    const isLegacy = await isLegacyRequest(request, message);
    // What the SDK itself would call an internal error.
    if (hasWrongParams(message, isLegacy))
      return rpcError(400, ProtocolErrorCode.InvalidParams, "Invalid params", idOf(body));
    const call = { owner, arguments: taken };
    const limits = { maxRequestBodySize: MAX_CALL_BYTES };
    if (!isLegacy)
      return createMcpHandler(() => serverFor(call), { legacy: "reject", onerror, ...limits }).fetch(request, {
        parsedBody: message,
      });
    return mayStream && wantsProgress(message)
      ? legacyStatelessFallback(() => serverFor(call), onerror, limits)(request, { parsedBody: message })
      : legacyJson(request, call, message);
  }

  return {
    fetch: async (request, owner) => {
      try {
        return await receive(request, owner);
      } catch (error) {
        log.error("an MCP request failed", { error: textOf(error) });
        return rpcError(500, ProtocolErrorCode.InternalError, "Internal error");
      }
    },
  };
}

/** Takes the arguments out of a tools/call, so that nobody but us parses them. */
function takeArguments(body: JsonObject): { message: JsonObject; taken: JsonObject } {
  const { params } = body;
  if (body.method !== "tools/call" || !isObject(params) || !isObject(params.arguments))
    return { message: body, taken: {} };
  return { message: { ...body, params: { ...params, arguments: {} } }, taken: params.arguments };
}

/** Whether the answer has to be a stream because notifications come before it. */
function wantsProgress({ method, params }: JsonObject): boolean {
  if (method !== "tools/call" || !isObject(params) || params.name !== "wait_for_task") return false;
  return isObject(params._meta) && params._meta.progressToken !== undefined;
}

/** The revision 2026-07-28 has no `initialize`: there it is an unknown method, whatever its params. */
function hasWrongParams(message: JsonObject, isLegacy: boolean): boolean {
  if (message.method === "initialize") return isLegacy && !isSpecType.InitializeRequest(message);
  return message.method === "tools/list" && !isSpecType.ListToolsRequest(message);
}

/** Whether a caller takes any type, or says nothing of it. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1 */
function takesAnything({ headers }: Request): boolean {
  const accept = headers.get("accept");
  return accept === null || /(^|,)\s*\*\/\*\s*(;|,|$)/.test(accept);
}

/** The request without its body, which was read, and with both types named that the transport asks for. */
function bare({ url, method, headers, signal }: Request): Request {
  const named = new Headers(headers);
  named.set("accept", "application/json, text/event-stream");
  return new Request(url, { method, headers: named, signal });
}

function rpcError(
  status: number,
  code: number,
  message: string,
  id: unknown = null,
  headers: Record<string, string> = {},
) {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id }, { status, headers });
}

const idOf = ({ id }: JsonObject): unknown => (typeof id === "string" || typeof id === "number" ? id : null);
