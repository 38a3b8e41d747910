import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { onTestFinished } from "vitest";

/** The official client of each era, connected to an endpoint for the length of a test. */
export const officialClients = {
  legacy: async (url: string, options: { requestInit?: RequestInit } = {}) => {
    const client = new OlderClient({ name: "test", version: "1" });
    await client.connect(new OlderTransport(new URL(url), options) as Parameters<typeof client.connect>[0]);
    onTestFinished(() => client.close());
    return client;
  },
  modern: async (url: string, options: { requestInit?: RequestInit } = {}) => {
    const client = new ModernClient(
      { name: "test", version: "1" },
      { versionNegotiation: { mode: { pin: "2026-07-28" } } },
    );
    await client.connect(new ModernTransport(new URL(url), options));
    onTestFinished(() => client.close());
    return client;
  },
};
