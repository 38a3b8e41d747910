import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Json } from "../../../lib/contract/task.ts";
import { listen } from "../../emulators/requests/listen.ts";
import type { AtEnd } from "../../mcp/clients.ts";

export type Received = { headers: IncomingHttpHeaders; body: string; message: Json; request: IncomingMessage };

/** What one method of the endpoint does with a request. */
export type Behaviour = (received: Received, response: ServerResponse) => void;

/** Answers with JSON. */
export const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

/** Answers with a result. */
export const result =
  (value: unknown): Behaviour =>
  ({ message }, response) =>
    json(response, { jsonrpc: "2.0", id: message.id, result: value });

/** One event of a stream. */
export const event = (message: object): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

/** Begins a stream of events. */
export const stream = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { "content-type": "text/event-stream" });

/**
 * An endpoint that does what a test says, by method (`answer` for what is none); what it does not know it echoes, and takes
 * notifications.
 */
export async function openScripted(behaviours: Record<string, Behaviour>, atEnd: AtEnd) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") return void response.writeHead(405).end();
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const message = JSON.parse(body) as Json;
    const one = { headers: request.headers, body, message, request };
    received.push(one);
    const method = Array.isArray(message) ? "batch" : ((message.method as string) ?? "answer");
    const behaviour = behaviours[method];
    if (behaviour) behaviour(one, response);
    else if (message.id === undefined || method === "answer") response.writeHead(202).end();
    else result({ echo: message.params })(one, response);
  });
  const { endpoint, close } = await listen(server);
  atEnd(close);
  return {
    url: `${endpoint}/mcp`,
    received,
    of: (method: string) => received.filter(({ message }) => message.method === method),
  };
}
