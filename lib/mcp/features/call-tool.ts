import type { CallToolResult, ServerContext } from "@modelcontextprotocol/server";
import { DispatchError, toProblem } from "../../contract/errors.ts";
import type { JsonObject } from "../../contract/json.ts";
import { fitReply } from "../../contract/reply-size.ts";
import type { Waiting } from "../../engine/service.ts";
import type { Scope } from "../feature.ts";
import { refuseHostile } from "../hostile.ts";
import { stackOf } from "../requests.ts";
import type { Said } from "../tool.ts";

/** Calls a tool. What it throws becomes an error that the caller can read; what is not ours is logged and hidden. */
export async function callTool(
  tool: Pick<Said, "name" | "isList">,
  work: (given: JsonObject, waiting: Waiting) => Promise<object>,
  { call, log }: Scope,
  context: ServerContext,
): Promise<CallToolResult> {
  try {
    refuseHostile(call.arguments);
    return resultOf(tool, await work(call.arguments, waitingOf(context)));
  } catch (error) {
    if (!(error instanceof DispatchError)) log.error("a tool failed", { tool: tool.name, error: stackOf(error) });
    // Only as text: clients hold structured content against the outputSchema, also that of an error
    return { isError: true, content: [{ type: "text", text: JSON.stringify(fitReply({ error: toProblem(error) })) }] };
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

/** The answer of a tool, as structured content and as text. */
export function resultOf({ isList }: Pick<Said, "isList">, answer: object): CallToolResult {
  const structuredContent: JsonObject = { ...fitReply(answer) };
  const text = JSON.stringify(isList ? structuredContent.items : structuredContent);
  return { content: [{ type: "text", text }], structuredContent };
}
