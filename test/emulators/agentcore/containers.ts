import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ServiceError } from "./wire.ts";

/** Where a container answers: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-service-contract.html */
const paths: Readonly<Record<string, string>> = { HTTP: "/invocations", AGUI: "/invocations", A2A: "/", MCP: "/mcp" };
const passedOn = [
  "content-type",
  "accept",
  "mcp-session-id",
  "mcp-protocol-version",
  "x-amzn-bedrock-agentcore-runtime-session-id",
];

type Place = { container: URL; serverProtocol: string };
export const containerUrl = ({ container, serverProtocol }: Place): URL =>
  new URL(paths[serverProtocol] ?? "/", container);

/** Hands an invocation to a container, and its answer back as it comes; of a failure the status is all that is told. */
export async function forward(
  place: Place,
  { headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const sent = passedOn.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]));
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const reply = await fetch(containerUrl(place), {
    method: "POST",
    headers: Object.fromEntries(sent),
    body,
    signal: gone.signal,
  }).catch(() => undefined);
  if (!reply?.ok) throw runtimeError(reply?.status);
  for (const name of ["content-type", "mcp-session-id"]) {
    const value = reply.headers.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  response.writeHead(reply.status);
  if (!reply.body) return void response.end();
  await pipeline(Readable.fromWeb(reply.body as Parameters<typeof Readable.fromWeb>[0]), response).catch(() => {});
}

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html */
export const runtimeError = (status: number | undefined): ServiceError =>
  new ServiceError(
    "RuntimeClientError",
    status === undefined
      ? "Runtime initialization time exceeded. Please make sure that initialization completes in 30s."
      : `Received error (${status}) from runtime. Please check your CloudWatch logs for more information.`,
  );
