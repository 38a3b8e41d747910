import type { ServerResponse } from "node:http";
import type { Problem } from "../../lib/contract/errors.ts";

/** https://www.jsonrpc.org/specification#error_object */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

type Send = (response: ServerResponse, status: number, value: unknown) => void;

/** Refuses a body that is no JSON-RPC, in its words. */
export const jsonRpcRefusal =
  (send: Send) =>
  (response: ServerResponse, { message }: Problem, status = 400): void => {
    const code = status === 400 && message === "the body is not JSON" ? PARSE_ERROR : INVALID_REQUEST;
    send(response, status, { jsonrpc: "2.0", id: null, error: { code, message } });
  };
