import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { factsOf } from "../lib/contract/error-codes.ts";
import { DispatchError, type Problem, problem } from "../lib/contract/errors.ts";
import { refuseBrokenRequests } from "./broken-requests.ts";
import { internalProblem } from "./failures.ts";
import { operate } from "./operations.ts";
import { answerPlainly } from "./plain-envelope.ts";
import { BodyError, readBody } from "./read-body.ts";
import { report } from "./report.ts";
import type { Worker } from "./worker.ts";

/** Far more than anybody needs; what is beyond is turned away, so that files and processes can still be opened. */
const MAX_CONNECTIONS = 500;

export type ServerOptions = {
  /** How long a request may take to arrive. */
  bodyTimeoutMs?: number;
};

/** The worker's door: `GET /ping` and `POST /invocations`. */
export function createWorkerServer(worker: Worker, { bodyTimeoutMs = 20_000 }: ServerOptions = {}): Server {
  const timeouts = {
    headersTimeout: 10_000,
    requestTimeout: 10_000 + bodyTimeoutMs,
    connectionsCheckingInterval: 1000,
  };
  const server = createServer(
    { ...timeouts, keepAliveTimeout: 60_000, requireHostHeader: false },
    (request, response) => {
      handle(worker, request, response, bodyTimeoutMs).catch((error: unknown) => {
        report("a request failed", error);
        if (!response.headersSent) refuse(response, internalProblem());
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  refuseBrokenRequests(server);
  return server;
}

async function handle(
  worker: Worker,
  request: IncomingMessage,
  response: ServerResponse,
  bodyTimeoutMs: number,
): Promise<void> {
  const path = request.url?.split("?")[0];
  const allowed = path === "/ping" ? "GET" : path === "/invocations" ? "POST" : undefined;
  if (!allowed) return refuse(response, problem("worker.no_such_path", "there is GET /ping and POST /invocations"));
  if (request.method !== allowed) {
    response.setHeader("allow", allowed);
    return refuse(response, problem("worker.method_not_allowed", `only ${allowed} is understood here`));
  }
  if (path === "/ping") return send(response, 200, worker.health.reply);
  worker.touch();
  await invoke(worker, request, response, bodyTimeoutMs);
}

async function invoke(
  worker: Worker,
  request: IncomingMessage,
  response: ServerResponse,
  bodyTimeoutMs: number,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let body: unknown;
  try {
    body = await readBody(request, bodyTimeoutMs);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    if (error.status === 408) response.setHeader("connection", "close");
    return refuse(response, problem("input.invalid", error.message), error.status);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return refuse(response, problem("input.invalid", "the body must be a JSON object"));
  }
  const isPlain = !("contract" in body);
  try {
    const reply = isPlain ? answerPlainly(worker, body, gone.signal) : operate(worker, body, gone.signal);
    send(response, 200, await reply);
  } catch (error) {
    // A refusal is a reply: what lies between may hide the body of anything but a 200.
    const refusal = { error: problemOf(error) };
    send(response, 200, isPlain ? { ok: false, events: [], artifacts: [], ...refusal } : refusal);
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof DispatchError) return error.problem;
  report("an operation failed", error);
  return internalProblem();
}

const refuse = (response: ServerResponse, error: Problem, status = factsOf(error.code).httpStatus): void =>
  send(response, status, { error });

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body);
}
