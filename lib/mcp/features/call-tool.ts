import type { CallToolResult, ResourceLink, ServerContext } from "@modelcontextprotocol/server";
import { DispatchError, type Problem, toProblem } from "../../contract/errors.ts";
import type { JsonObject } from "../../contract/json.ts";
import { say } from "../../contract/observation/decision.ts";
import { firstOf } from "../../contract/preview.ts";
import { fitReply } from "../../contract/replies/fit-reply.ts";
import type { Waiting } from "../../engine/service.ts";
import type { Scope } from "../feature.ts";
import { refuseHostile } from "../hostile.ts";
import { stackOf } from "../requests.ts";
import type { Said } from "../tool.ts";

/** Characters of one notification. */
const MAX_TOLD = 2000;

/** Calls a tool. What it throws becomes an error that the caller can read; what is not ours is logged and hidden. */
export async function callTool(
  tool: Pick<Said, "name" | "isList" | "flatErrors" | "logs">,
  work: (given: JsonObject, waiting: Waiting) => Promise<object>,
  scope: Scope,
  context: ServerContext,
): Promise<CallToolResult> {
  const { call, log } = scope;
  const startedAt = performance.now();
  try {
    refuseHostile(call.arguments);
    const result = resultOf(tool, await work(call.arguments, waitingOf(tool, context)));
    return knowsLinks(scope) ? result : { ...result, content: result.content.filter(({ type }) => type === "text") };
  } catch (error) {
    if (!(error instanceof DispatchError)) log.error("a tool failed", { tool: tool.name, error: stackOf(error) });
    const { code } = toProblem(error);
    say(log, { decision: "refused", tool: tool.name, ms: Math.round(performance.now() - startedAt), code });
    // Only as text: clients hold structured content against the outputSchema, also that of an error
    const said = tool.flatErrors ? flat(toProblem(error)) : { error: toProblem(error) };
    return { isError: true, content: [{ type: "text", text: JSON.stringify(fitReply(said)) }] };
  }
}

const flat = ({ message, code, ...rest }: Problem) => ({ error: message, error_code: code, ...rest });

function waitingOf({ logs }: Pick<Said, "logs">, { mcpReq: { signal, _meta, notify, log } }: ServerContext): Waiting {
  const progressToken = _meta?.progressToken;
  // Of revision 2026-07-28 only to a client that names a level: https://modelcontextprotocol.io/specification/draft/server/utilities/logging
  if (progressToken === undefined)
    return { signal, ...(logs && { tell: (_, message) => log("info", firstOf(message, MAX_TOLD), "agent-dispatch") }) };
  return {
    signal,
    tell: (progress, message) =>
      notify({
        method: "notifications/progress",
        params: { progressToken, progress, message: firstOf(message, MAX_TOLD) },
      }),
  };
}

/**
 * The answer of a tool, as structured content and as text. The text of a list is the bare list, and what is said besides, that
 * it goes on, is a text of its own behind it.
 */
export function resultOf({ isList }: Pick<Said, "isList">, answer: object): CallToolResult {
  const structuredContent: JsonObject = { ...fitReply(answer) };
  const { items, ...besides } = structuredContent;
  const parts =
    !isList || !items ? [structuredContent] : [items, ...(Object.keys(besides).length > 0 ? [besides] : [])];
  const content = parts.map((part) => ({ type: "text" as const, text: JSON.stringify(part) }));
  return { content: [...content, ...linksTo(structuredContent.resource)], structuredContent };
}

/** Whether a client knows links to resources, which came in 2025-06-18: one that names no revision may be older. */
const knowsLinks = ({ era, revision }: Scope): boolean =>
  era === "modern" || (revision ?? "2025-03-26") >= "2025-06-18";

/** The rest of a result that is a preview, for clients that follow links. */
const linksTo = (uri: unknown): ResourceLink[] =>
  typeof uri === "string"
    ? [
        {
          type: "resource_link",
          uri: `${uri}?offset=0`,
          name: "result",
          description: "The whole result, in pages",
          mimeType: "application/json",
        },
      ]
    : [];
