import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import {
  createTaskSessionFromClient,
  type TaskEnabledSession,
  type WithTasksOptions,
} from "@modelcontextprotocol/ext-tasks/client";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OlderStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { AtEnd, Identity, Started } from "./clients.ts";

/** Where a client finds a server: an address and what requests are sent with, or a program that it starts. */
export type Place = { url: string; identity: Identity } | Started;

const optionsOf = (identity: Identity) =>
  typeof identity === "string"
    ? { requestInit: { headers: { authorization: `Bearer ${identity}` } } }
    : { fetch: identity };

const modernTransport = (place: Place) =>
  "url" in place ? new ModernTransport(new URL(place.url), optionsOf(place.identity)) : new ModernStdio(place);

const clientInfo = { name: "test", version: "1" };

/** The official client of tasks, in either generation. */
export async function openTaskSession(
  place: Place,
  generation: "2026-07-28" | "2025-11-25",
  atEnd: AtEnd,
  more: Pick<WithTasksOptions, "onInputRequest"> = {},
): Promise<TaskEnabledSession> {
  const isModern = generation === "2026-07-28";
  const client = new ModernClient(clientInfo, {
    versionNegotiation: { mode: isModern ? { pin: "2026-07-28" } : "legacy" },
  });
  const transport = modernTransport(place);
  await client.connect(transport);
  atEnd(() => client.close());
  const session = createTaskSessionFromClient(client, {
    endpointId: "test",
    ...more,
    ...(isModern && {
      rawDispatch: dispatchOver(transport),
      v2RequestFraming: {
        protocolVersion: "2026-07-28",
        clientInfo,
        clientCapabilities: { elicitation: { form: {} } },
      },
    }),
  });
  atEnd(() => session.close());
  return session;
}

type Options = Parameters<typeof createTaskSessionFromClient>[1];
type RawDispatch = Exclude<Options["rawDispatch"], undefined>;

/** Requests of the extension, which the SDK's client does not know, over the transport that it has. */
function dispatchOver(transport: ModernTransport | ModernStdio): RawDispatch {
  const waiting = new Map<string, (response: Awaited<ReturnType<RawDispatch>>) => void>();
  const others = transport.onmessage;
  transport.onmessage = (message: Parameters<Exclude<typeof others, undefined>>[0], ...extra: []) => {
    const answered = "id" in message && !("method" in message) ? waiting.get(String(message.id)) : undefined;
    if (!answered) return others?.(message, ...extra);
    if ("result" in message) answered({ kind: "result", result: message.result } as never);
    else if ("error" in message) answered({ kind: "error", error: message.error } as never);
  };
  let sent = 0;
  return async (request) => {
    const id = `task-${++sent}`;
    const answer = new Promise<Awaited<ReturnType<RawDispatch>>>((resolve) => waiting.set(id, resolve));
    await transport.send({ jsonrpc: "2.0", id, ...(request as { method: string }) });
    return answer.finally(() => waiting.delete(id));
  };
}

/** The v1 client, whose tasks are those of 2025-11-25. */
export async function openOlderClient(place: Place, atEnd: AtEnd): Promise<OlderClient> {
  const client = new OlderClient(clientInfo);
  const transport =
    "url" in place ? new OlderTransport(new URL(place.url), optionsOf(place.identity)) : new OlderStdio(place);
  // The v1 package was not written for exactOptionalPropertyTypes
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  atEnd(() => client.close());
  await client.listTools();
  return client;
}
