import { timingSafeEqual } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import {
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { RefusedError } from "../domain/errors.ts";

type Doors = {
  token: string;
  mcp: (request: Request) => Promise<Response>;
  /** Takes the files that workers send; each URL carries its own proof. */
  upload: (request: Request) => Promise<Response>;
};

export type HttpDoor = { url: string; close(): Promise<void> };

/**
 * Serves the MCP endpoint on loopback: `/mcp` for whoever has the token, `/artifacts/*` for workers, `/health`. Host and
 * Origin are checked, so that no web page can reach it. Throws RefusedError `local.port_in_use`.
 */
export async function openHttp({ token, mcp, upload }: Doors, port: number): Promise<HttpDoor> {
  const hosts = localhostAllowedHostnames();
  const app = new Hono();
  app.use(async ({ req }, next) => {
    const refused = hostHeaderValidationResponse(req.raw, hosts) ?? originValidationResponse(req.raw, hosts);
    return refused ?? next();
  });
  app.put("/artifacts/*", ({ req }) => upload(req.raw));
  app.use(async ({ req }, next) => (isBearer(req.header("authorization"), token) ? next() : unauthorized()));
  app.get("/health", ({ json }) => json({ ok: true, pid: process.pid }));
  app.all("/mcp", ({ req }) => mcp(req.raw));

  const server = await listen(app, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        (server as Server).closeAllConnections();
      }),
  };
}

function listen(app: Hono, port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () => resolve(server));
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

function isBearer(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const unauthorized = () =>
  Response.json(
    {
      error: {
        code: "unauthorized",
        message: "a bearer token is needed",
        hint: "the state folder holds it in the file `token`",
      },
    },
    { status: 401, headers: { "www-authenticate": "Bearer" } },
  );
