import { type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

type Refusal = { status: number; code: string; message: string };

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
    const { status, body } = refusal({
      status: 417,
      code: "http.expectation",
      message: "only 100-continue is understood",
    });
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
  });
}

function refusalOf({ code }: NodeJS.ErrnoException): Refusal {
  if (code === "HPE_HEADER_OVERFLOW")
    return { status: 431, code: "http.headers_too_long", message: "the headers of the request are too long" };
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return { status: 413, code: "http.body_too_large", message: "the extensions of a chunk are too long" };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { status: 408, code: "http.too_slow", message: "the request did not arrive in time" };
  return { status: 400, code: "http.malformed", message: "the request is not HTTP/1.1" };
}

const refusal = ({ status, ...error }: Refusal) => ({
  status,
  body: JSON.stringify({ error: { ...error, retryable: false } }),
});

function answer(refused: Refusal): string {
  const { status, body } = refusal(refused);
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}
