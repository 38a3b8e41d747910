import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { factsOf } from "../lib/contract/error-codes.ts";
import { DispatchError, type Problem, problem } from "../lib/contract/errors.ts";
import { isObject, type JsonObject } from "../lib/contract/json.ts";
import { SESSION_HEADER } from "../lib/contract/worker-sessions.ts";
import { refuseBrokenRequests } from "./broken-requests.ts";
import { internalProblem } from "./failures.ts";
import { operate } from "./operations.ts";
import { answerPlainly } from "./plain-envelope.ts";
import { type Doors, openDoors } from "./protocols/doors.ts";
import { jsonRpcRefusal } from "./protocols/json-rpc.ts";
import { BodyError, readBody } from "./read-body.ts";
import { report } from "./report.ts";
import { sendJson } from "./send-json.ts";
import { endSession, openSession, sessionOfPath } from "./sessions/session-door.ts";
import type { Worker } from "./worker.ts";

/**
 * Far more than anybody needs on a machine of one session; what is beyond is turned away, so that files and processes can
 * still be opened. A socket that only its owner can reach has no strangers.
 */
const MAX_CONNECTIONS = 500;

export type ServerOptions = {
  /** How long a request may take to arrive. */
  bodyTimeoutMs?: number;
};

type Exchange = {
  worker: Worker;
  doors: Doors;
  request: IncomingMessage;
  response: ServerResponse;
  bodyTimeoutMs: number;
  /** Refuses a body; what speaks JSON-RPC has a shape of its own. */
  refuse: typeof refuse;
};

/**
 * The worker's door: `GET /ping` and `POST /invocations`; where it serves many sessions, `PUT` and `DELETE /sessions/<id>`;
 * and what belongs to the protocol that it speaks beside the worker contract.
 */
export function createWorkerServer(worker: Worker, { bodyTimeoutMs = 20_000 }: ServerOptions = {}): Server {
  const timeouts = {
    headersTimeout: 10_000,
    requestTimeout: 10_000 + bodyTimeoutMs,
    connectionsCheckingInterval: 1000,
  };
  const doors = openDoors(worker);
  const server = createServer(
    { ...timeouts, keepAliveTimeout: 60_000, requireHostHeader: false },
    (request, response) => {
      handle({ worker, doors, request, response, bodyTimeoutMs, refuse }).catch((error: unknown) => {
        report("a request failed", error);
        if (!response.headersSent) refuse(response, internalProblem());
      });
    },
  );
  if (!worker.isShared) server.maxConnections = MAX_CONNECTIONS;
  refuseBrokenRequests(server);
  return server;
}

async function handle(exchange: Exchange): Promise<void> {
  const { worker, doors, request, response } = exchange;
  const path = request.url?.split("?")[0] ?? "";
  const opened = sessionOfPath(worker, path);
  const isMessages = path === "/invocations" || path === doors.path;
  const isPage = path === "/ping" || doors.pages.includes(path);
  const allowed = opened !== undefined ? ["PUT", "DELETE"] : isPage ? ["GET"] : isMessages ? ["POST"] : [];
  if (allowed.length === 0) {
    const others = [...doors.pages.map((page) => `GET ${page}`), ...(doors.path ? [`POST ${doors.path}`] : [])];
    const there = ["GET /ping", "POST /invocations", ...others.filter((other) => other !== "POST /invocations")];
    return refuse(response, problem("worker.no_such_path", `there is ${there.join(", ")}`));
  }
  if (!allowed.includes(request.method ?? "")) {
    response.setHeader("allow", allowed.join(", "));
    return refuse(response, problem("worker.method_not_allowed", `only ${allowed.join(" and ")} is understood here`));
  }
  if (path === "/ping") return sendJson(response, 200, worker.ping);
  if (isPage) return (await doors.open()).page?.(request, response);
  if (opened === undefined) return invoke(exchange, path);
  if (request.method === "DELETE") return answer(response, () => endSession(worker, opened));
  const body = await bodyOf(exchange);
  if (body) await answer(response, () => openSession(worker, opened, body));
}

/** The contract is understood at every path that messages are sent to: of a runtime AgentCore knows but one. */
async function invoke(exchange: Exchange, path: string): Promise<void> {
  const { worker, doors, request, response } = exchange;
  const session = worker.session(request.headers[SESSION_HEADER]?.toString());
  if (!session) return refuse(response, problem("worker.unknown_session", "this worker has no such session"));
  session.touch();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const isJsonRpc = path === doors.path && doors.isJsonRpc;
  const body = await bodyOf({ ...exchange, refuse: isJsonRpc ? jsonRpcRefusal : refuse });
  if (!body) return;
  if (path === doors.path && !("contract" in body)) {
    const door = await doors.open();
    if (door.takes(body))
      return worker.within(session, async () => {
        await door.answer({ session, body, request, response, gone: gone.signal });
        session.heard();
      });
  }
  const isPlain = !("contract" in body);
  await worker.within(session, () =>
    answer(
      response,
      () => (isPlain ? answerPlainly(session, body, gone.signal) : operate(session, body, gone.signal)),
      (error) => (isPlain ? { ok: false, events: [], artifacts: [], error } : { error }),
    ),
  );
}

/** The body of a request, or undefined once it has been refused. */
async function bodyOf({ request, response, bodyTimeoutMs, refuse }: Exchange): Promise<JsonObject | undefined> {
  try {
    const body = await readBody(request, bodyTimeoutMs);
    if (isObject(body)) return body;
    refuse(response, problem("input.invalid", "the body must be a JSON object"));
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    if (error.status === 408) response.setHeader("connection", "close");
    refuse(response, problem("input.invalid", error.message), error.status);
  }
  return undefined;
}

/** A refusal is a reply: what lies between may hide the body of anything but a 200. */
async function answer(
  response: ServerResponse,
  work: () => unknown,
  refusalOf: (error: Problem) => unknown = (error) => ({ error }),
): Promise<void> {
  let reply: unknown;
  try {
    reply = await work();
  } catch (error) {
    reply = refusalOf(problemOf(error));
  }
  sendJson(response, 200, reply);
}

function problemOf(error: unknown): Problem {
  if (error instanceof DispatchError) return error.problem;
  report("an operation failed", error);
  return internalProblem();
}

const refuse = (response: ServerResponse, error: Problem, status = factsOf(error.code).httpStatus): void =>
  sendJson(response, status, { error });
