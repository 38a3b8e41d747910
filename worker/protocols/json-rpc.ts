import type { ServerResponse } from "node:http";
import type { Problem } from "../../lib/contract/errors.ts";
import { sendJson } from "../send-json.ts";

/** https://www.jsonrpc.org/specification#error_object */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

/** Refuses a body that is no JSON-RPC, in its words. */
export function jsonRpcRefusal(response: ServerResponse, { message }: Problem, status = 400): void {
  const code = status === 400 && message === "the body is not JSON" ? PARSE_ERROR : INVALID_REQUEST;
  sendJson(response, status, { jsonrpc: "2.0", id: null, error: { code, message } });
}
