import type { ServerResponse } from "node:http";

/** Sends a value as the whole of an answer, unless nobody is there any more to read it. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body);
}
