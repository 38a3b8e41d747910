import {
  createMcpHandler,
  isLegacyRequest,
  legacyStatelessFallback,
  mergeCapabilities,
  ProtocolErrorCode,
  readRequestBody,
  Server,
} from "@modelcontextprotocol/server";
import manifest from "../../package.json" with { type: "json" };
import type { Agents } from "../agents/service.ts";
import { parseBounded } from "../contract/bounded-json.ts";
import { DispatchError } from "../contract/errors.ts";
import { isObject, type JsonObject } from "../contract/json.ts";
import type { Toolset } from "../contract/kinds.ts";
import { MAX_CALL_BYTES } from "../contract/limits.ts";
import type { Logger } from "../contract/logger.ts";
import type { Caller, TaskService } from "../engine/service.ts";
import { answerBatch, mayBatch } from "./batch.ts";
import type { McpExtra } from "./extra.ts";
import type { Feature, Scope } from "./feature.ts";
import { completionFeature } from "./features/completion.ts";
import { promptsFeature } from "./features/prompts.ts";
import { resourcesFeature } from "./features/resources.ts";
import { serveAgents, serveTask } from "./features/serve-tool.ts";
import { toolsFeature } from "./features/tools.ts";
import { isNestedTooDeeply } from "./hostile.ts";
import { instructions } from "./instructions.ts";
import { LegacyTransport } from "./legacy-transport.ts";
import { dispatchWork } from "./prompts/dispatch-work.ts";
import { bare, hasWrongParams, idOf, rpcError, stackOf, takeArguments, takesAnything } from "./requests.ts";
import { taskResources } from "./resources/tasks.ts";
import { tasksFeature } from "./tasks/feature.ts";
import { refuseListening } from "./tasks/listen.ts";
import type { ServedTool } from "./tool.ts";
import { agentTools, tools as taskTools } from "./tools/index.ts";
import { traceOfRequest } from "./trace.ts";

export type McpOptions = {
  /** All that a tool can reach: the tasks of whoever calls, in that trace. */
  tasksOf(caller: Caller, trace?: string): TaskService;
  /** The agents of whoever calls. */
  agentsOf?(caller: Caller): Agents;
  /** Nobody changes them by a call, so only the toolset `agents` has them. */
  agentsAreFixed?: boolean;
  /** Which tools are listed; default `core`. */
  toolset?(): Toolset | undefined;
  log: Logger;
  extra?: McpExtra;
};

/**
 * The MCP endpoint, as a web handler: revision 2026-07-28 and, statelessly, the 2025 ones. Answers are JSON, or a stream
 * where progress has to travel.
 *
 * @example
 * const mcp = createMcp({ tasksOf: ({ owner }) => new TaskService(ports, owner), log });
 * const response = await mcp.fetch(request, { owner: "local" });
 */
export function createMcp({ tasksOf, agentsOf, agentsAreFixed = false, toolset, log, extra = {} }: McpOptions): {
  fetch(request: Request, caller: Caller): Promise<Response>;
} {
  const onerror = (error: Error) => log.debug("an MCP request was refused", { error: error.message });
  const tools: readonly ServedTool[] = [
    ...taskTools.map((tool) => serveTask(tool, tasksOf)),
    ...(agentsOf ? agentTools.map((tool) => serveAgents(tool, agentsOf, agentsAreFixed)) : []),
    ...(extra.tools ?? []),
  ];
  const prompts = [dispatchWork, ...(extra.prompts ?? [])];
  const resources = [...(extra.resources ? [extra.resources] : []), taskResources(tasksOf)];
  const features: readonly Feature[] = [
    toolsFeature(tools, () => toolset?.() ?? "core"),
    tasksFeature(tasksOf),
    promptsFeature(prompts),
    resourcesFeature(resources),
    completionFeature(prompts, resources),
  ];

  /** A server for one message. */
  const serverFor = (scope: Scope) => {
    const capabilities = features
      .map((feature) => feature.capabilities(scope))
      .reduce((all, more) => mergeCapabilities(all, more), {});
    const server = new Server(
      { name: "agent-dispatch", title: "AgentDispatch", version: manifest.version },
      { capabilities, instructions },
    );
    for (const feature of features) feature.register(server, scope);
    return server;
  };

  /** Whether the answer has to be a stream because notifications come before it. */
  const isStreamed = ({ method, params }: JsonObject): boolean => {
    if (method !== "tools/call" || !isObject(params)) return false;
    const { notifies } = tools.find(({ name }) => name === params.name) ?? {};
    const wantsProgress = isObject(params._meta) && params._meta.progressToken !== undefined;
    return notifies === "always" || (notifies === "progress" && wantsProgress);
  };

  /** One request of a 2025 client that is answered with a JSON body. */
  async function legacyJson(request: Request, scope: Scope, parsedBody: unknown): Promise<Response> {
    const server = serverFor(scope);
    const transport = new LegacyTransport();
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

  async function receive(request: Request, caller: Caller): Promise<Response> {
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
        one: (message) => answer(bare(request), caller, message, false),
        refuse: (text, id) => rpcError(400, ProtocolErrorCode.InvalidRequest, text, id ?? null),
      });
    }
    if (!isObject(body))
      return rpcError(400, ProtocolErrorCode.InvalidRequest, "The body must be one JSON-RPC message");
    return answer(takesAnything(request) ? bare(request) : request, caller, body, true);
  }

  /** Answers one message of a request whose body was read. */
  async function answer(request: Request, caller: Caller, body: JsonObject, mayStream: boolean): Promise<Response> {
    const { message, taken } = takeArguments(body);
    if (isNestedTooDeeply(message)) {
      return rpcError(400, ProtocolErrorCode.InvalidRequest, "The request is nested too deeply", idOf(body));
    }
    const isLegacy = await isLegacyRequest(request, message);
    // What the SDK itself would call an internal error.
    if (hasWrongParams(message, isLegacy))
      return rpcError(400, ProtocolErrorCode.InvalidParams, "Invalid params", idOf(body));
    const scope: Scope = {
      caller,
      trace: traceOfRequest(request, message),
      era: isLegacy ? "legacy" : "modern",
      revision: request.headers.get("mcp-protocol-version"),
      call: { arguments: taken },
      log,
    };
    const limits = { maxRequestBodySize: MAX_CALL_BYTES };
    if (!isLegacy) {
      // One that waits long is heard of meanwhile: a client, or what lies between, may take silence for an end.
      const isLong = isStreamed(message) && mayStream;
      const mode = { ...(isLong && { responseMode: "sse" as const }) };
      const modern = createMcpHandler(() => serverFor(scope), { legacy: "reject", onerror, ...limits, ...mode });
      return refuseListening(message) ?? modern.fetch(request, { parsedBody: message });
    }
    return mayStream && isStreamed(message)
      ? legacyStatelessFallback(() => serverFor(scope), onerror, limits)(request, { parsedBody: message })
      : legacyJson(request, scope, message);
  }

  return {
    fetch: async (request, caller) => {
      try {
        return await receive(request, caller);
      } catch (error) {
        log.error("an MCP request failed", { error: stackOf(error) });
        return rpcError(500, ProtocolErrorCode.InternalError, "Internal error");
      }
    },
  };
}
