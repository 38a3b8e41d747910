import { Readable } from "node:stream";
import { type FetchLike, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { RetryableError } from "../../../../contract/errors.ts";
import type { Exchange } from "./protocol.ts";

/** Where a transport thinks that it connects to; nothing is ever sent there. */
const NOWHERE = new URL("http://agentcore.invalid/mcp");
const EVENTS = "text/event-stream";
/** A call whose stream broke is not begun again. */
const reconnectionOptions = {
  maxRetries: 0,
  initialReconnectionDelay: 1000,
  maxReconnectionDelay: 1000,
  reconnectionDelayGrowFactor: 1,
};

/** The way of a client to its server; `failure` is why an answer did not come, where it is not the server that says so. */
type Sent = { transport: StreamableHTTPClientTransport; failure?: unknown };

/**
 * Sends a client's requests as invocations of the session; its other requests have no place on AgentCore. Closes the client
 * when what answers a request is over without the answer: it would wait for one until its deadline.
 */
export function overInvocations({ invoke, signal }: Exchange): Sent {
  /** Requests by id: those whose answers are streams, and those that were answered. */
  const streamed = new Set<unknown>();
  const answered = new Set<unknown>();

  const fetch: FetchLike = async (_url, { method, body, headers } = {}) => {
    if (method !== "POST") return new Response(null, { status: 405 });
    const mcpProtocolVersion = new Headers(headers).get("mcp-protocol-version") ?? undefined;
    try {
      const message = JSON.parse(String(body)) as { id?: unknown };
      const reply = await invoke(message, { mcpProtocolVersion });
      const { statusCode: status, contentType = "application/json" } = reply;
      if (status === 202 || !(reply.body instanceof Readable)) return new Response(null, { status: 202 });
      if (contentType.startsWith(EVENTS)) streamed.add(message.id);
      const stream = reply.body;
      signal.addEventListener("abort", () => stream.destroy(), { once: true });
      stream.once("error", (error) => {
        sent.failure ??= error;
      });
      return new Response(Readable.toWeb(stream) as ReadableStream, { headers: { "content-type": contentType } });
    } catch (error) {
      sent.failure ??= error;
      throw error;
    }
  };

  const transport = new StreamableHTTPClientTransport(NOWHERE, { fetch, reconnectionOptions });
  const sent: Sent = { transport };
  // The client calls it before its own.
  transport.onmessage = (message) => {
    if ("id" in message && !("method" in message)) answered.add(message.id);
  };
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    if (!("id" in message && "method" in message)) return send(message, options);
    const closeUnanswered = () => {
      if (answered.has(message.id)) return;
      sent.failure ??= new RetryableError("worker.contract_broken", "the MCP server ended without an answer");
      void transport.close();
    };
    await send(message, { ...options, onRequestStreamEnd: closeUnanswered });
    if (!streamed.has(message.id)) closeUnanswered();
  };
  return sent;
}
