import { isObject, type JsonObject } from "../../contract/json.ts";
import { INVALID_REQUEST, MalformedError, type Message } from "./message.ts";

/** What a client of the 2025 revisions has agreed on with the endpoint, by `initialize`. */
export type Agreed = { version?: string; sessionId?: string };

const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";

/** Which field of the params the header Mcp-Name repeats. */
const namedBy: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** The revision that a request of 2026-07-28 or later names in itself; undefined in one of an older client. */
export function claimedVersion(params: JsonObject | undefined): string | undefined {
  const claimed = isObject(params?._meta) ? params._meta[VERSION_KEY] : undefined;
  return typeof claimed === "string" ? claimed : undefined;
}

/**
 * The headers that a message has of its own: since 2026-07-28 they repeat what it says of itself. Throws MalformedError for
 * what no header can hold.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */
export function headersOf({ method, params, ids }: Message): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const claimed = claimedVersion(params);
  if (method !== undefined && claimed !== undefined) {
    headers["mcp-protocol-version"] = asHeader(VERSION_KEY, claimed, ids[0]);
    headers["mcp-method"] = asHeader("method", method, ids[0]);
    const name = Object.hasOwn(namedBy, method) ? params?.[namedBy[method] as string] : undefined;
    if (typeof name === "string") headers["mcp-name"] = encoded(name);
  }
  return headers;
}

/** The headers of what says nothing of itself, and is no `initialize`: they repeat what was agreed on. */
export const agreedHeaders = ({ version, sessionId }: Agreed): Record<string, string> => ({
  ...(version !== undefined && { "mcp-protocol-version": version }),
  ...(sessionId !== undefined && { "mcp-session-id": sessionId }),
});

/** What a header can hold as it is. https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
export const fitsHeader = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text) && text === text.trim();

function asHeader(field: string, text: string, id: string | undefined): string {
  if (fitsHeader(text)) return text;
  throw new MalformedError(INVALID_REQUEST, `Invalid request: ${field} holds what no header can`, id);
}

/** A name as it is, or in base64 where no header could hold it. */
function encoded(name: string): string {
  const looksEncoded = name.startsWith("=?base64?") && name.endsWith("?=");
  return fitsHeader(name) && !looksEncoded ? name : `=?base64?${Buffer.from(name).toString("base64")}?=`;
}
