import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { type Caller, signerOf } from "../aws/callers.ts";
import { listen } from "../emulators/requests/listen.ts";

/** What makes a request one of somebody whom the endpoint knows. */
export type Credentials = (asked: { method: string; url: URL; body: Buffer }) => Promise<Record<string, string>>;

/** Those of a system on this machine. */
export const bearer =
  (token: string): Credentials =>
  async () => ({ authorization: `Bearer ${token}` });

/** Those of a caller of the REST API. */
export const signed = (caller: Caller): Credentials => signerOf(caller);

/**
 * A reverse proxy that adds credentials, for clients that cannot be told of any. A Host of its own becomes that of the
 * endpoint; any other goes on as it came, so that the endpoint is the one to refuse it.
 */
export async function startCredentialProxy(target: string, credentials: Credentials) {
  const url = new URL(target);

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", headers } = incoming;
    const body = await buffer(incoming);
    const host = headers.host === new URL(endpoint).host ? url.host : headers.host;
    const added = await credentials({ method, url, body });
    const asked = request(url, { method, headers: { ...headers, ...added, host }, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    response.once("close", () => asked.destroy());
    asked.end(body);
  }

  const server = createServer((incoming, response) => void pass(incoming, response).catch(() => response.destroy()));
  const { endpoint, close } = await listen(server);
  return { url: `${endpoint}${url.pathname}`, [Symbol.asyncDispose]: close };
}
