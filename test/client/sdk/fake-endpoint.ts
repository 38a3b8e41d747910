import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import type { Json } from "../../../lib/contract/task.ts";

const TOKEN = "secret";

/** A real MCP endpoint over HTTP whose tools answer whatever `answer` says. */
export async function fakeEndpoint(answer: (tool: string, args: Json) => Promise<Json> | Json, port = 0) {
  const handler = createMcpHandler(() => {
    const server = new Server({ name: "fake", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", () => ({ tools: [] }));
    server.setRequestHandler("tools/call", async ({ params }) => ({
      content: [],
      ...(await answer(params.name, params.arguments ?? {})),
    }));
    return server;
  });
  const http = createServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void response.writeHead(401).end();
    const sent = await buffer(request);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === "string") headers.set(name, value);
    const body = request.method === "POST" ? sent : null;
    const url = `http://${request.headers.host}${request.url}`;
    const answered = await handler.fetch(new Request(url, { method: request.method ?? "GET", headers, body }));
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    if (answered.body) Readable.fromWeb(answered.body).pipe(response);
    else response.end();
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    token: TOKEN,
    /** Ends it with every connection, as a process does that is killed. */
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}

/** A tool's answer with these fields. */
export const fields = (value: Json): Json => ({ structuredContent: value, content: [textBlock(value)] });

/** A tool's error. */
export const refusal = (error: Json): Json => ({ isError: true, ...fields({ error }) });

export const textBlock = (value: Json) => ({ type: "text", text: JSON.stringify(value) });
