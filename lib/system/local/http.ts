import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { Hono, type MiddlewareHandler } from "hono";
import { refuseBrokenRequests } from "../../../worker/broken-requests.ts";
import { isNonce, proofOf } from "../../config/proof-of-token.ts";
import { type ErrorCode, factsOf } from "../../contract/error-codes.ts";
import { problem, RefusedError } from "../../contract/errors.ts";
import { type BudgetOptions, budgetConnections } from "./connection-budget.ts";
import { type Activity, activity } from "./idleness.ts";
import type { Opened } from "./task-door.ts";

const serverOptions = {
  headersTimeout: 10_000,
  /** Long enough for a large artifact; a call has less, see `inTime`. */
  requestTimeout: 300_000,
  connectionsCheckingInterval: 1000,
  keepAliveTimeout: 60_000,
  /** A missing one is refused with JSON, like a wrong one. */
  requireHostHeader: false,
};
/** How long the body of a call may take to arrive. */
const CALL_MS = 10_000;
/**
 * Far more than anybody needs; what is beyond is turned away, so that files and processes can still be opened. At most half
 * are those of strangers, see `budgetConnections`.
 */
const MAX_CONNECTIONS = 500;

const INVALID = 'Bearer error="invalid_token"';

type Bindings = { incoming: Readable & { socket: Socket }; outgoing: Writable };

/** With the task whose agent asks, where it is not the owner. */
type Served = { Bindings: Bindings; Variables: { within: string | undefined } };

type Doors = {
  token: string;
  /** The task that another token is for, or why it lets in nobody any more; undefined where it is for none. */
  taskOf?: (given: string) => Promise<Opened | undefined>;
  /** Answers a request of the owner's, or of the agent of the task `within`. */
  mcp: (request: Request, within?: string) => Promise<Response>;
  /** Takes the files that workers send, and hands out those that they need; each URL carries its own proof. */
  artifacts: (request: Request, expected: () => void) => Promise<Response>;
};

/** An answer that is streamed is being served until its end. */
export type HttpDoor = Pick<Activity, "quietMs"> & { url: string; close(): Promise<void> };

/**
 * Serves the MCP endpoint on loopback: `/mcp` for whoever has the token, and for the agents of tasks that have one,
 * `/artifacts/*` for workers, `/health`, which proves to whoever asks with a nonce that it has the token. Host and Origin are
 * checked, so that no web page can reach it. Throws RefusedError `local.port_in_use`.
 */
export async function openHttp(
  { token, taskOf = async () => undefined, mcp, artifacts }: Doors,
  port: number,
  budget: BudgetOptions = {},
): Promise<HttpDoor> {
  const hosts = localhostAllowedHostnames();
  const served = activity();
  const app = new Hono<Served>();
  app.use(async ({ req }, next) => {
    const refused = hostHeaderValidationResponse(req.raw, hosts) ?? originValidationResponse(req.raw, hosts);
    return refused ?? next();
  });
  app.on(["PUT", "GET"], "/artifacts/*", ({ req, env }) => artifacts(req.raw, () => known(env.incoming.socket)));
  const authorized: MiddlewareHandler<Served> = async ({ req, env, set }, next) => {
    const header = req.header("authorization");
    const refused = refuseStranger(header, token);
    const opened = refused && req.path === "/mcp" ? await taskOf(bearerOf(header) ?? "") : undefined;
    if (opened && "refused" in opened) return unauthorized(opened.refused, INVALID);
    if (refused && !opened) return refused;
    set("within", opened?.within);
    known(env.incoming.socket);
    env.outgoing.once("close", served.begin());
    return next();
  };
  // Before anybody shows it the token: another program may have its port by now.
  app.get("/health", async ({ req, json }, next) => {
    const nonce = req.query("nonce");
    if (nonce === undefined || !isNonce(nonce)) return next();
    return json({ ok: true, pid: process.pid, proof: proofOf(token, nonce) });
  });
  app.get("/health", authorized, ({ json }) => json({ ok: true, pid: process.pid }));
  app.all("/mcp", authorized, ({ req, env, get }) => inTime(env.incoming, mcp(req.raw, get("within"))));
  // Without a token too: a client that asks how to log in must learn that there is nothing of the kind.
  app.notFound(() => refusal("http.no_such_path", "there is /mcp and /health"));

  const fetch = (request: Request, env: Bindings) => app.fetch(request, env);
  const server = createServer(
    serverOptions,
    getRequestListener(fetch, { hostname: "127.0.0.1", errorHandler: notARequest }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const known = budgetConnections(server, budget);
  refuseBrokenRequests(server);
  await listen(server, port);
  return {
    quietMs: served.quietMs,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.listen(port, "127.0.0.1", resolve);
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") return reject(error);
      const what = error.code === "EADDRINUSE" ? "is in use by another program" : "may not be used by this user";
      reject(
        new RefusedError("local.port_in_use", `port ${port} ${what}`, {
          hint: "name another with --port, or 0 for any free one",
          cause: error,
        }),
      );
    });
  });
}

/** The answer, or a refusal when the request has not arrived as a whole by then. */
async function inTime(incoming: Readable, answer: Promise<Response>): Promise<Response> {
  const late = Promise.withResolvers<Response>();
  const refuse = () => late.resolve(refusal("http.too_slow", "the request did not arrive in time"));
  const timer = setTimeout(refuse, CALL_MS);
  incoming.once("end", () => clearTimeout(timer));
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A Host header or an address that no request can have. */
function notARequest(error: unknown): Response {
  if (error instanceof RequestError) return refusal("http.malformed", "the address or the Host is not valid");
  return refusal("platform.internal", "an internal error");
}

const bearerOf = (header: string | undefined): string | undefined => /^bearer +(\S+)$/i.exec(header ?? "")?.[1];

/**
 * Refuses a request without the token, and one with another, each in its own way.
 * https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
function refuseStranger(header: string | undefined, token: string): Response | undefined {
  const given = bearerOf(header);
  if (given === undefined) return unauthorized("a bearer token is needed", "Bearer");
  const [mine, wanted] = [Buffer.from(given), Buffer.from(token)];
  if (mine.length === wanted.length && timingSafeEqual(mine, wanted)) return undefined;
  return unauthorized("the bearer token is not that of this system", INVALID);
}

const refusal = (code: ErrorCode, message: string): Response => {
  const status = factsOf(code).httpStatus;
  const headers = status === 408 ? { connection: "close" } : undefined;
  return Response.json({ error: problem(code, message) }, { status, ...(headers && { headers }) });
};

const unauthorized = (message: string, challenge: string) =>
  Response.json(
    { error: problem("http.unauthorized", message, { hint: "the state folder holds it in the file `token`" }) },
    { status: factsOf("http.unauthorized").httpStatus, headers: { "www-authenticate": challenge } },
  );
