import { isSpecType } from "@modelcontextprotocol/server";
import { isObject, type JsonObject } from "../contract/json.ts";

/** Takes the arguments out of a tools/call, so that nobody but us parses them. */
export function takeArguments(body: JsonObject): { message: JsonObject; taken: JsonObject } {
  const { params } = body;
  if (body.method !== "tools/call" || !isObject(params) || !isObject(params.arguments))
    return { message: body, taken: {} };
  return { message: { ...body, params: { ...params, arguments: {} } }, taken: params.arguments };
}

const shapes: Readonly<Record<string, (message: unknown) => boolean>> = {
  "tools/list": isSpecType.ListToolsRequest,
  "resources/list": isSpecType.ListResourcesRequest,
  "resources/read": isSpecType.ReadResourceRequest,
  "prompts/get": isSpecType.GetPromptRequest,
  "completion/complete": isSpecType.CompleteRequest,
};

/** The revision 2026-07-28 has no `initialize`: there it is an unknown method, whatever its params. */
export function hasWrongParams(message: JsonObject, isLegacy: boolean): boolean {
  const { method } = message;
  if (method === "initialize") return isLegacy && !isSpecType.InitializeRequest(message);
  const shape = typeof method === "string" && Object.hasOwn(shapes, method) ? shapes[method] : undefined;
  return shape !== undefined && !shape(message);
}

/** Whether a caller takes any type, or says nothing of it. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1 */
export function takesAnything({ headers }: Request): boolean {
  const accept = headers.get("accept");
  return accept === null || /(^|,)\s*\*\/\*\s*(;|,|$)/.test(accept);
}

/** The request without its body, which was read, and with both types named that the transport asks for. */
export function bare({ url, method, headers, signal }: Request): Request {
  const named = new Headers(headers);
  named.set("accept", "application/json, text/event-stream");
  return new Request(url, { method, headers: named, signal });
}

export function rpcError(
  status: number,
  code: number,
  message: string,
  id: unknown = null,
  headers: Record<string, string> = {},
) {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id }, { status, headers });
}

/** The id that an error answers to. */
export const idOf = ({ id }: JsonObject): unknown => (typeof id === "string" || typeof id === "number" ? id : null);

/** An error for the log. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
