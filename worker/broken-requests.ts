import { type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { factsOf } from "../lib/contract/error-codes.ts";
import { type Problem, problem } from "../lib/contract/errors.ts";

/**
 * Answers with JSON what Node refuses before anybody sees a request: bytes that are no HTTP, headers that are too long, a
 * request that does not arrive in time, an expectation that nobody can meet. Then the connection is closed.
 */
export function refuseBrokenRequests(server: Server): void {
  const answers = new WeakMap<Duplex, Set<ServerResponse>>();
  server.on("request", ({ socket }, response) => {
    const open = answers.get(socket) ?? new Set();
    answers.set(socket, open.add(response));
    response.once("close", () => open.delete(response));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer another one would be taken for a part of it.
    const isAnswering = [...(answers.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    if (isAnswering || !socket.writable || error.code === "ECONNRESET") return void socket.destroy();
    socket.end(answer(refusalOf(error)), () => socket.destroy());
  });
  server.on("checkExpectation", (_request, response) => {
    const { status, body } = refusal(problem("http.expectation", "only 100-continue is understood"));
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
  });
}

function refusalOf({ code }: NodeJS.ErrnoException): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return problem("http.headers_too_long", "the headers of the request are too long");
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return problem("http.body_too_large", "the extensions of a chunk are too long");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return problem("http.too_slow", "the request did not arrive in time");
  return problem("http.malformed", "the request is not HTTP/1.1");
}

const refusal = (error: Problem) => ({ status: factsOf(error.code).httpStatus, body: JSON.stringify({ error }) });

function answer(refused: Problem): string {
  const { status, body } = refusal(refused);
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}
