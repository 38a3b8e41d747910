import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { BridgeProcess } from "./bridge-process.ts";
import { type Behaviour, event, json, openScripted, stream } from "./scripted-endpoint.ts";

const sdkPipe = join(import.meta.dirname, "../../fixtures/sdk-pipe.ts");

const errorOf = ({ message }: Parameters<Behaviour>[0], code: number) => ({
  jsonrpc: "2.0",
  id: message.id,
  error: { code, message: "no", data: { of: message.method } },
});

/** What an endpoint answers in every way that both pipes understand. */
const behaviours: Record<string, Behaviour> = {
  initialize: ({ message }, response) =>
    json(response, { jsonrpc: "2.0", id: message.id, result: { protocolVersion: "2025-06-18", capabilities: {} } }),
  "tools/call"({ message }, response) {
    const progress = (n: number) =>
      event({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: message.id, progress: n } });
    const asked = event({ jsonrpc: "2.0", id: `of-${message.id}`, method: "ping" });
    const answer = event({
      jsonrpc: "2.0",
      id: message.id,
      result: { content: [{ type: "text", text: "ü\n\u2028" }] },
    });
    stream(response).end(`: hello\n\n${progress(1)}${asked}${progress(2)}${answer}`.replaceAll("\n", "\r\n"));
  },
  "prompts/list": (received, response) => json(response, errorOf(received, -32601)),
  "resources/list": (received, response) => json(response, errorOf(received, -32602), 400),
};

const claim = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
const ask = (id: number | string, method: string, params?: Json) => ({ jsonrpc: "2.0", id, method, params });
const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "c", version: "1" } };

/** What a client says, one message after the answer to the last, in both eras. */
const conversations: Record<string, object[]> = {
  "2026-07-28": [
    ask(1, "server/discover", { _meta: claim }),
    ask("2", "tools/list", { _meta: claim }),
    ask(3, "tools/call", { name: "wait_for_task", arguments: { task_id: "t" }, _meta: { ...claim, progressToken: 3 } }),
    ask(4, "tools/call", { name: "=?base64?x?=", _meta: claim }),
    ask(5, "prompts/get", { name: " Ä ", _meta: claim }),
    ask(6, "resources/read", { uri: "file:///a b", _meta: claim }),
    ask(7, "tasks/get", { taskId: "t", _meta: claim }),
    ask(8, "prompts/list", { _meta: claim }),
    ask(9, "resources/list", { _meta: claim }),
  ],
  "2025-06-18": [
    ask(0, "initialize", initialize),
    { jsonrpc: "2.0", method: "notifications/initialized" },
    ask(1, "tools/list", {}),
    ask("two", "tools/call", { name: "wait_for_task", arguments: {}, _meta: { progressToken: "two" } }),
    { jsonrpc: "2.0", id: "of-two", result: {} },
    ask(4, "prompts/list"),
    ask(5, "ping"),
  ],
};

const asSent = /^(mcp-|accept$|content-type$)/;

async function talk(open: (url: string) => BridgeProcess, conversation: object[]) {
  const endpoint = await openScripted(behaviours, onTestFinished);
  const bridge = open(endpoint.url);
  for (const message of conversation) {
    const seen = endpoint.received.length;
    bridge.send(message);
    if ("method" in message && "id" in message) await bridge.answer(message.id);
    else while (endpoint.received.length === seen) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await bridge.end();
  return {
    told: bridge.messages,
    received: endpoint.received.map(({ headers, message }) => ({
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => asSent.test(name))),
      message,
    })),
  };
}

test.each(Object.entries(conversations))(
  "in %s it does what the SDK's transports do when piped together",
  async (_, conversation) => {
    const bridged = await talk((url) => new BridgeProcess(["--endpoint", url, "--region", "us-west-2"]), conversation);
    const piped = await talk((url) => new BridgeProcess([url], { entry: sdkPipe }), conversation);
    expect(bridged.told).toEqual(piped.told);
    expect(bridged.received).toEqual(piped.received);
    expect(bridged.received).toHaveLength(conversation.length);
  },
);
