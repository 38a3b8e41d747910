import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OlderStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished } from "vitest";
import type { Toolset } from "../../lib/contract/kinds.ts";
import type { Json } from "../../lib/contract/task.ts";
import { type ToolName, toolSchemas } from "../../lib/contract/tools/index.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { TaskService } from "../../lib/engine/service.ts";
import type { McpExtra } from "../../lib/mcp/extra.ts";
import { createMcp } from "../../lib/mcp/server.ts";

export const revisions = ["2026-07-28", "2025-11-25", "2025-06-18"] as const;
export type Revision = (typeof revisions)[number];

export type Reply = { isError: boolean; structured: Json | undefined; text: unknown };
export type Call = (name: string, args?: Json, onProgress?: (progress: Json) => void) => Promise<Reply>;
export type TestClient = { call: Call; listTools(): Promise<Json[]> };

/** The arguments of dispatch_task for a program. */
export const command = (more: Json = {}) => ({
  provider: "local",
  account_profile: "local",
  capability: "agent-runtime",
  task_type: "command.run",
  target: { mode: "session" },
  input: { command: "true" },
  ...more,
});

/** What is served, and to whom. */
type Served = { ports: Ports; owner?: string; extra?: McpExtra; toolset?: Toolset };

function handlerOf({
  ports,
  owner = "me",
  extra = {},
  toolset = "core",
}: Served): (request: Request) => Promise<Response> {
  const mcp = createMcp({
    tasksOf: ({ owner: name }) => new TaskService(ports, name),
    toolset: () => toolset,
    log: ports.log,
    extra,
  });
  return (request) => mcp.fetch(request, { owner });
}

/** Serves the endpoint over HTTP for the length of a test. */
export async function openEndpoint(served: Served): Promise<string> {
  const fetch = handlerOf(served);
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const listening = serve({ fetch, hostname: "127.0.0.1", port: 0 }, () => resolve(listening));
  });
  onTestFinished(async () => {
    await new Promise((resolve) => {
      server.close(resolve);
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** What a request is sent with: a bearer token, or a function that signs it. */
export type Identity = string | ((url: string | URL, init?: RequestInit) => Promise<Response>);
type Transport = { requestInit: RequestInit } | { fetch: Exclude<Identity, string> };
/** Where to say what must be done at the end of a test; those that run at the same time have one each. */
export type AtEnd = (work: () => void | Promise<void>) => void;

/** A client that speaks that revision; every tool's result was held against its output schema by the client itself. */
export async function connect(
  url: string,
  revision: Revision,
  identity: Identity = "",
  atEnd: AtEnd = onTestFinished,
): Promise<TestClient> {
  const transport =
    typeof identity === "string"
      ? { requestInit: { headers: { authorization: `Bearer ${identity}` } } }
      : { fetch: identity };
  return revision === "2026-07-28"
    ? connectModern(url, transport, atEnd)
    : connectOlder(url, revision, transport, atEnd);
}

/** A server that a client starts, and speaks with over standard input and output. */
export type Started = { command: string; args: string[]; env: Record<string, string> };

/** The same with a server that the client starts. */
export async function connectStdio(
  started: Started,
  revision: Revision,
  atEnd: AtEnd = onTestFinished,
): Promise<TestClient> {
  return revision === "2026-07-28"
    ? connectedModern(new ModernStdio(started), atEnd)
    : connectedOlder(new PinnedStdio(started, revision), atEnd);
}

async function connectModern(url: string, transport: Transport, atEnd: AtEnd): Promise<TestClient> {
  return connectedModern(new ModernTransport(new URL(url), transport), atEnd);
}

async function connectedModern(transport: ModernTransport | ModernStdio, atEnd: AtEnd): Promise<TestClient> {
  const client = new ModernClient(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect(transport);
  return asTestClient(client, (asked, options) => client.callTool(asked, options), atEnd);
}

/** Asks for an older revision than the newest that the v1 client knows. */
const pinned = (message: JSONRPCMessage, revision: string): JSONRPCMessage =>
  "method" in message && message.method === "initialize"
    ? { ...message, params: { ...message.params, protocolVersion: revision } }
    : message;

class PinnedTransport extends OlderTransport {
  readonly revision: string;
  constructor(url: URL, revision: string, options: Transport) {
    super(url, options);
    this.revision = revision;
  }
  override send(message: JSONRPCMessage | JSONRPCMessage[]): Promise<void> {
    return super.send(Array.isArray(message) ? message : pinned(message, this.revision));
  }
}

class PinnedStdio extends OlderStdio {
  readonly revision: string;
  constructor(started: Started, revision: string) {
    super(started);
    this.revision = revision;
  }
  override send(message: JSONRPCMessage): Promise<void> {
    return super.send(pinned(message, this.revision));
  }
}

async function connectOlder(url: string, revision: string, options: Transport, atEnd: AtEnd): Promise<TestClient> {
  const transport = new PinnedTransport(new URL(url), revision, options);
  const client = await connectedOlder(transport, atEnd);
  if (transport.protocolVersion !== revision) throw new Error(`negotiated ${transport.protocolVersion}`);
  return client;
}

async function connectedOlder(transport: PinnedTransport | PinnedStdio, atEnd: AtEnd): Promise<TestClient> {
  const client = new OlderClient({ name: "test", version: "1" });
  // The v1 package was not written for exactOptionalPropertyTypes
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return asTestClient(client, (asked, options) => client.callTool(asked, undefined, options), atEnd);
}

type AnyClient = { listTools(): Promise<{ tools: unknown[] }>; close(): Promise<void> };
type Asked = { name: string; arguments: Json };
type Options = { onprogress: (told: object) => void } | undefined;

async function asTestClient(
  client: AnyClient,
  callTool: (asked: Asked, options: Options) => Promise<object>,
  atEnd: AtEnd,
): Promise<TestClient> {
  atEnd(() => client.close());
  await client.listTools();
  return {
    listTools: async () => (await client.listTools()).tools as Json[],
    call: async (name, args = {}, onProgress) => {
      const options = onProgress && { onprogress: (told: object) => onProgress({ ...told }) };
      return toReply(name, await callTool({ name, arguments: args }, options));
    },
  };
}

function toReply(name: string, result: object): Reply {
  const { content, structuredContent, isError } = result as {
    content: { type: string; text: string }[];
    structuredContent?: Json;
    isError?: boolean;
  };
  if (isError !== true) assertAsDescribed(name, structuredContent);
  return {
    isError: isError === true,
    structured: structuredContent,
    text: JSON.parse(content[0]?.text ?? "null"),
  };
}

/** Fails unless a result is what the contract says of its tool, with no field that it does not name. */
function assertAsDescribed(name: string, structured: unknown): void {
  const { output } = toolSchemas[name as ToolName];
  expect(output.parse(structured)).toEqual(structured);
}

/** Calls tools without a client in between: the bytes are sent as they are. */
export function bareCaller(served: Served) {
  const fetch = handlerOf(served);
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(
      new Request("http://127.0.0.1/mcp", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2025-11-25",
          ...headers,
        },
        body,
      }),
    );
  return {
    fetch,
    post,
    /** `args` is JSON text, so that it can say what no object literal can. */
    async call(name: string, args: string | Json): Promise<Reply> {
      const text = typeof args === "string" ? args : JSON.stringify(args);
      const response = await post(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${text}}}`,
      );
      const { result } = (await response.json()) as { result: object };
      return toReply(name, result);
    },
  };
}

/** The problem of an error reply, also of one in a single level. */
export function problemOf({ isError, text }: Reply): Json {
  if (!isError) throw new Error(`not an error: ${JSON.stringify(text).slice(0, 500)}`);
  const { error, error_code: code, ...rest } = text as Json & { error: Json | string };
  return typeof error === "string" ? { ...rest, code, message: error } : error;
}
