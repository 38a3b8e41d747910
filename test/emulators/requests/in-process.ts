import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { PassThrough, Readable } from "node:stream";

/** A request as an SDK hands it to what sends it. */
export type Sent = {
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  hostname: string;
  body?: unknown;
};
/** What an SDK takes for an answer. */
export type Received = { statusCode: number; headers: Record<string, string>; body: Readable };

/** A connection that broke: what an SDK gets where the answer should be. */
export const cutConnection = (): Error => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });

type Serve = (request: IncomingMessage, response: ServerResponse) => unknown;

export const bodyOf = ({ body }: Sent): Buffer =>
  body === undefined || body === null ? Buffer.alloc(0) : Buffer.from(body as Uint8Array | string);

export function urlOf({ path, query = {} }: Sent): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) =>
      one === null ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(one)}`,
    ),
  );
  return parts.length > 0 ? `${path}?${parts.join("&")}` : path;
}

/** What a server writes its answer to, without a connection. */
class Response extends PassThrough {
  headersSent = false;
  readonly #headers: Record<string, string> = {};
  readonly #answer: (received: Received) => void;

  constructor(answer: (received: Received) => void) {
    super();
    this.#answer = answer;
    // Whoever asked may be gone.
    this.on("error", () => {});
  }

  setHeader(name: string, value: number | string | readonly string[]): this {
    this.#headers[name.toLowerCase()] = String(value);
    return this;
  }

  writeHead(statusCode: number, headers: OutgoingHttpHeaders = {}): this {
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, String(value));
    this.headersSent = true;
    this.#answer({ statusCode, headers: this.#headers, body: this });
    return this;
  }

  override end(...args: unknown[]): this {
    if (!this.headersSent) this.writeHead(this.statusCode);
    return super.end(...(args as []));
  }

  statusCode = 200;
}

/**
 * Hands a request of an SDK's client to a server's listener in this process, as it was serialized, and resolves with the answer.
 * Throws as a connection that breaks. Left out: connections, chunks of a request, and everything below HTTP.
 */
export function serveInProcess(serve: Serve, sent: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const body = bodyOf(sent);
    const headers = Object.fromEntries(
      Object.entries(sent.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const request = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
      method: sent.method,
      url: urlOf(sent),
      headers,
    });
    let isAnswered = false;
    const response = new Response((received) => {
      isAnswered = true;
      resolve(received);
    });
    response.once("close", () => isAnswered || reject(cutConnection()));
    serve(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
}
