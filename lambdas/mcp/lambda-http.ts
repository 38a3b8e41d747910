import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { factsOf } from "../../lib/contract/error-codes.ts";
import { DispatchError } from "../../lib/contract/errors.ts";
import type { Logger } from "../../lib/contract/logger.ts";
import { TASK_HEADER } from "../../lib/contract/tokens/task-token.ts";
import type { Caller } from "../../lib/engine/service.ts";

/** What a streamed answer begins with. */
export type Metadata = { statusCode: number; headers: Record<string, string> };

/** The global that Lambda's runtime for Node gives to functions that stream. */
export type LambdaGlobal = {
  streamifyResponse<H extends StreamingHandler>(handler: H): H;
  HttpResponseStream: { from(stream: Writable, metadata: Metadata): Writable };
};
export type StreamingHandler = (event: unknown, stream: Writable, context: { awsRequestId: string }) => Promise<void>;

type Options = {
  /** Answers a request of that caller. */
  serve(request: Request, caller: Caller): Promise<Response>;
  /**
   * Who calls with that ARN, undefined when the gateway named none, and with the token of a task if there is one. Rejects with a
   * DispatchError to refuse it.
   */
  callerOf(asking: { principal: string | undefined; token?: string | undefined }): Promise<Caller>;
  streams: LambdaGlobal["HttpResponseStream"];
  log: Pick<Logger, "debug" | "error">;
};

const nullable = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

/**
 * What is read of the event for a proxy integration of a REST API.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
const eventSchema = z.object({
  httpMethod: z.string(),
  path: z.string().startsWith("/"),
  headers: nullable(z.record(z.string(), z.string())),
  multiValueHeaders: nullable(z.record(z.string(), z.array(z.string()))),
  body: nullable(z.string()),
  isBase64Encoded: nullable(z.boolean()),
  requestContext: z.object({
    domainName: nullable(z.string()),
    /** With the stage in front. */
    path: nullable(z.string().startsWith("/")),
    identity: nullable(z.object({ userArn: nullable(z.string()) })),
  }),
});

/** What says who calls. The signature was checked by the gateway; from here on nobody needs any of it. */
const ofTheCaller = ["authorization", "x-amz-security-token", TASK_HEADER];

/** Of one connection only: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1. The gateway frames the body itself. */
const hopByHop = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Makes a web handler a streaming function behind a REST API. Whatever happens, an answer with metadata is written, as
 * long as none has begun; a caller that leaves aborts the request's signal.
 */
export function lambdaHttp({ serve, callerOf, streams, log }: Options): StreamingHandler {
  return async (event, stream) => {
    const gone = new AbortController();
    stream.on("error", () => gone.abort());
    stream.once("close", () => !stream.writableFinished && gone.abort());
    await send(await answer(event, gone.signal), stream, gone.signal);
  };

  async function answer(event: unknown, signal: AbortSignal): Promise<Response> {
    const read = readEvent(event, signal);
    if (!read) return rpcError(400, -32_600, "Not a request that can be read");
    try {
      const { request, ...asking } = read;
      return await serve(request, await callerOf(asking));
    } catch (error) {
      if (error instanceof DispatchError)
        return rpcError(factsOf(error.code).httpStatus, -32_000, error.message, error.problem);
      log.error("a request failed", { error: String(error) });
      return rpcError(500, -32_603, "Internal error");
    }
  }

  async function send(response: Response, stream: Writable, signal: AbortSignal): Promise<void> {
    const headers = Object.fromEntries([...response.headers].filter(([name]) => !hopByHop.has(name)));
    const out = streams.from(stream, { statusCode: response.status, headers });
    // Metadata goes out with the first write, so an answer without a body needs one too.
    out.write("");
    const body = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
    // What breaks closes the stream as well, only later: then nobody has left.
    let broke = false;
    body.once("error", () => {
      broke = !signal.aborted;
    });
    try {
      await pipeline(body, out);
    } catch (error) {
      if (broke || !signal.aborted) throw error;
      log.debug("the caller left before the answer was complete");
    }
  }
}

/** The event as a request; undefined when it is none. */
function readEvent(
  event: unknown,
  signal: AbortSignal,
): { request: Request; principal: string | undefined; token?: string } | undefined {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success) return undefined;
  const { httpMethod: method, body, isBase64Encoded, requestContext, path } = parsed.data;
  try {
    const url = new URL(`https://${requestContext.domainName ?? "localhost"}${requestContext.path ?? path}`);
    const hasBody = body !== undefined && method !== "GET" && method !== "HEAD";
    const headers = headersOf(parsed.data);
    const token = headers.get(TASK_HEADER);
    for (const name of ofTheCaller) headers.delete(name);
    const request = new Request(url, {
      method,
      headers,
      signal,
      ...(hasBody && { body: isBase64Encoded ? Buffer.from(body, "base64") : body }),
    });
    return { request, principal: requestContext.identity?.userArn, ...(token !== null && { token }) };
  } catch {
    // A method, an address or a header that no request can have.
    return undefined;
  }
}

function headersOf({ headers = {}, multiValueHeaders }: z.output<typeof eventSchema>): Headers {
  const all = new Headers();
  for (const [name, values] of Object.entries(multiValueHeaders ?? {}))
    for (const value of values) all.append(name, value);
  if (!multiValueHeaders) for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return all;
}

const rpcError = (status: number, code: number, message: string, data?: object): Response =>
  Response.json({ jsonrpc: "2.0", error: { code, message, ...(data && { data }) }, id: null }, { status });
