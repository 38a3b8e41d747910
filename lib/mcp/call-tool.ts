import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import { DispatchError, toProblem } from "../contract/errors.ts";
import type { JsonObject } from "../contract/json.ts";
import type { Logger } from "../contract/logger.ts";
import type { Waiting } from "../engine/service.ts";
import { refuseHostile } from "./hostile.ts";
import type { ServedTool } from "./tool.ts";

/** A call as it arrived: the SDK's own parsing would drop what has to be refused by name. */
export type Call = { owner: string; arguments: JsonObject };

/** Calls a tool. What it throws becomes an error that the caller can read; what is not ours is logged and hidden. */
export async function callTool(
  tool: ServedTool,
  call: Call,
  context: ServerContext,
  log: Logger,
): Promise<CallToolResult> {
  try {
    refuseHostile(call.arguments);
    return result(tool, await tool.call(call.owner, call.arguments, waitingOf(context)));
  } catch (error) {
    if (!(error instanceof DispatchError)) log.error("a tool failed", { tool: tool.name, error: textOf(error) });
    // Only as text: clients hold structured content against the outputSchema, also that of an error
    return { isError: true, content: [{ type: "text", text: JSON.stringify({ error: toProblem(error) }) }] };
  }
}

function waitingOf({ mcpReq: { signal, _meta, notify } }: ServerContext): Waiting {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return { signal };
  return {
    signal,
    tell: (progress, message) =>
      notify({
        method: "notifications/progress",
        params: { progressToken, progress, message: message.slice(0, 2000) },
      }),
  };
}

function result({ isList }: ServedTool, answer: object): CallToolResult {
  const structuredContent = { ...answer } as JsonObject;
  const text = JSON.stringify(isList ? structuredContent.items : structuredContent);
  return { content: [{ type: "text", text }], structuredContent };
}

/** An error for the log. */
export const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
