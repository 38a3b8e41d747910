import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { callTool } from "../../../lib/client/http/call-tool.ts";
import type { PostOptions } from "../../../lib/client/http/door.ts";
import { Patience } from "../../../lib/client/http/patience.ts";
import { post } from "../../../lib/client/http/post.ts";
import { listen } from "../../emulators/requests/listen.ts";
import { freePort } from "../../fixtures/free-port.ts";
import { doorTo, envOf, gatewayBefore } from "./open.ts";

const env = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "a secret", AWS_REGION: "us-west-2" };
const message = { headers: { "content-type": "application/json" }, body: Buffer.from('{"jsonrpc":"2.0"}') };
const RESULT = '{"jsonrpc":"2.0","id":1,"result":{}}';

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server whose requests are counted, and who its clients are. */
async function serve(handler: Handler) {
  const seen: { request: IncomingMessage; body: Promise<Buffer> }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    seen.push({ request, body: buffer(request) });
    handler(request, response, seen.length);
  });
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  return { url: `${endpoint}/mcp`, seen, sockets, close };
}

const json = (response: ServerResponse, status: number, body: string, headers = {}) =>
  void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

const to = (url: string, options: Partial<PostOptions> = {}) =>
  post(doorTo({ endpoint: url }, env), message, { mayRepeat: true, patience: new Patience(3000), ...options });

test("an answer comes as it is, and the next request goes over the same connection", async () => {
  const { url, seen, sockets } = await serve((_, response) => json(response, 200, RESULT, { "x-more": "yes" }));
  for (let time = 0; time < 3; time++) {
    const { status, headers, body } = await to(url);
    expect([status, headers["x-more"], await text(body)]).toEqual([200, "yes", RESULT]);
  }
  expect(String(await seen[0]?.body)).toBe('{"jsonrpc":"2.0"}');
  expect([seen.length, sockets.size]).toEqual([3, 1]);
});

test("a request belongs to the trace that the environment names, unsigned, and to none by what is no trace", async () => {
  const { url, seen } = await serve((_, response) => json(response, 200, RESULT));
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const named of [trace, "00-0-0-01\r\nx-more: yes", undefined]) {
    vi.stubEnv("TRACEPARENT", named);
    await text((await to(url)).body);
  }
  expect(seen.map(({ request }) => request.headers.traceparent)).toEqual([trace, undefined, undefined]);
  expect(String(seen[0]?.request.headers.authorization)).toMatch(/SignedHeaders=(?!.*traceparent)/);
});

test("what must not be repeated has a connection of its own, which nobody is about to close", async () => {
  const { url, sockets } = await serve((_, response) => json(response, 200, RESULT));
  for (let time = 0; time < 2; time++) await text((await to(url, { mayRepeat: false })).body);
  expect(sockets.size).toBe(2);
});

test("a body arrives while it is sent", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { url } = await serve(async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
    await asked;
    response.end("data: 2\n\n");
  });
  const { body } = await to(url);
  const parts: string[] = [];
  for await (const part of body) {
    parts.push(String(part));
    ask();
  }
  expect(parts).toEqual(["data: 1\n\n", "data: 2\n\n"]);
});

test("an error of the protocol is an answer, whatever its status", async () => {
  const error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}';
  const { url, seen } = await serve((_, response) => json(response, 404, error));
  const { status, body } = await to(url);
  expect([status, await text(body), seen.length]).toEqual([404, error, 1]);
});

test("an answer without a body to what wants none", async () => {
  const { url } = await serve((_, response) => void response.writeHead(202).end());
  const { status, body } = await to(url);
  expect([status, await text(body)]).toEqual([202, ""]);
});

test.each([429, 502, 503, 504])("HTTP %i passes: the request is repeated", async (status) => {
  const { url, seen } = await serve((_, response, count) =>
    count < 3 ? json(response, status, '{"message":"Too Many Requests"}') : json(response, 200, RESULT),
  );
  expect(await text((await to(url)).body)).toBe(RESULT);
  expect(seen).toHaveLength(3);
});

test.each([
  [429, "endpoint.busy"],
  [502, "endpoint.answer_lost"],
  [503, "endpoint.busy"],
  [504, "endpoint.answer_lost"],
])("HTTP %i to what must not be repeated is %s at once", async (status, code) => {
  const { url, seen } = await serve((_, response) => json(response, status, '{"message":"Internal server error"}'));
  await expect(to(url, { mayRepeat: false })).rejects.toMatchObject({ code });
  expect(seen).toHaveLength(1);
});

test("an endpoint that asks for a longer wait than there is patience is not asked again", async () => {
  const { url, seen } = await serve((_, response) => json(response, 429, "{}", { "retry-after": "3600" }));
  await expect(to(url)).rejects.toMatchObject({ code: "endpoint.busy", retryable: true });
  expect(seen).toHaveLength(1);
});

test("an endpoint that asks for a wait is asked again no sooner", async () => {
  const at: number[] = [];
  const { url } = await serve((_, response, count) => {
    at.push(performance.now());
    if (count === 1) json(response, 503, "{}", { "retry-after": "1" });
    else json(response, 200, RESULT);
  });
  await to(url);
  // Timers may fire a little early.
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(990);
});

test.each([301, 302, 307, 308])("a redirect with HTTP %i is not followed, and is told of by name", async (status) => {
  const elsewhere = await serve((_, response) => json(response, 200, RESULT));
  const { url, seen } = await serve(
    (_, response) => void response.writeHead(status, { location: `${elsewhere.url}?token=abc` }).end(),
  );
  const error: Error = await to(url).then(
    () => new Error("it passed"),
    (error) => error,
  );
  expect(error).toMatchObject({ code: "endpoint.redirected", message: `${url} sends to ${elsewhere.url}` });
  expect([seen.length, elsewhere.seen.length]).toEqual([1, 0]);
});

test("a web page in the place of the endpoint is no answer", async () => {
  const { url } = await serve(
    (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>"),
  );
  await expect(to(url)).rejects.toMatchObject({
    code: "endpoint.failed",
    message: expect.stringContaining("does not answer as an MCP endpoint"),
  });
});

test.each([
  [500, "endpoint.failed", /log of the endpoint/],
  [401, "endpoint.unauthenticated", /without --endpoint/],
  [404, "endpoint.failed", /path of the address/],
])("HTTP %i of another than the endpoint is %s", async (status, code, hint) => {
  const { url, seen } = await serve((_, response) => json(response, status, '{"message":"No"}'));
  await expect(to(url)).rejects.toMatchObject({
    code,
    message: expect.stringContaining("No"),
    hint: expect.stringMatching(hint),
  });
  expect(seen).toHaveLength(1);
});

test("answers of 10 MB", async () => {
  const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { text: "ä".repeat(5_000_000) } });
  const { url } = await serve((_, response) => json(response, 200, answer));
  expect(Buffer.compare(await buffer((await to(url)).body), Buffer.from(answer))).toBe(0);
});

test("nobody listens: told after a few tries, since the address may be wrong", async () => {
  const tried: string[] = [];
  const log = { debug: (_: string, fields?: Record<string, unknown>) => void tried.push(String(fields?.code)) };
  const error = to(`http://127.0.0.1:${await freePort()}/mcp`, { log, patience: new Patience() });
  await expect(error).rejects.toMatchObject({
    code: "endpoint.unreachable",
    message: expect.stringContaining("refuses connections"),
    hint: expect.stringContaining("which port"),
  });
  expect(tried.length).toBeGreaterThan(1);
});

test("a host that nobody knows is told of at once", async () => {
  const error = to("https://endpoint.invalid/mcp", { patience: new Patience() });
  // The resolver of a machine without a network says that it cannot tell.
  await expect(error).rejects.toMatchObject({
    code: "endpoint.unreachable",
    message: expect.stringMatching(/endpoint\.invalid\/mcp has a host that (nobody knows|cannot be looked up)/),
  });
});

test("something that speaks no TLS is told of", async () => {
  const server = createTcpServer((socket) => void socket.on("error", () => {}).end("SSH-2.0-x\r\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  await expect(to(`https://127.0.0.1:${port}/mcp`, { patience: new Patience(0) })).rejects.toMatchObject({
    code: "endpoint.unreachable",
    message: expect.stringContaining("breaks the connection"),
  });
});

test("an endpoint whose certificate nobody vouches for is told of at once, and one of a company's own is trusted", async () => {
  const fixtures = join(import.meta.dirname, "fixtures");
  const cert = join(fixtures, "localhost.cert.pem");
  const tls = { cert: readFileSync(cert), key: readFileSync(join(fixtures, "localhost.key.pem")) };
  const { gateway } = await gatewayBefore({ tls });
  const mine = envOf(gateway.admit());
  const error = callTool(doorTo({ endpoint: gateway.url }, mine), "list_providers", {});
  await expect(error).rejects.toMatchObject({
    code: "endpoint.unreachable",
    retryable: false,
    hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
  // What it names is read when a program starts.
  const env = { ...mine, PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: cert };
  const started = promisify(execFile)(process.execPath, [join(fixtures, "call-endpoint.ts"), gateway.url], { env });
  started.child.stdin?.end("second\n");
  expect((await started).stdout.match(/"answer":\{"items"/g)).toHaveLength(2);
});

test("an endpoint that comes back is reached, as it was reached before", async () => {
  const first = await serve((_, response) => json(response, 200, RESULT));
  const door = doorTo({ endpoint: first.url }, env);
  await text((await post(door, message, { mayRepeat: true })).body);
  const { port } = new URL(first.url);
  await first.close();
  const again = createServer((_, response) => json(response, 200, RESULT));
  const tried = Promise.withResolvers<void>();
  // Not sent yet, so it is tried again though it must not be repeated.
  const answer = post(door, message, { mayRepeat: false, log: { debug: () => tried.resolve() } });
  await tried.promise;
  await new Promise<void>((resolve) => again.listen(Number(port), "127.0.0.1", resolve));
  onTestFinished(() => {
    again.closeAllConnections();
    again.close();
  });
  expect(await text((await answer).body)).toBe(RESULT);
});

test.each(["before its answer", "in the middle of it"])("giving up %s closes the connection", async (when) => {
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { url } = await serve((_, response) => {
    response.once("close", leave);
    if (when !== "before its answer")
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
    arrive();
  });
  const giving = new AbortController();
  const answer = to(url, { signal: giving.signal }).then(({ body }) => text(body));
  answer.catch(() => {});
  await arrived;
  giving.abort();
  await expect(answer).rejects.toThrow();
  await left;
});

test("giving up in a pause ends it", async () => {
  const giving = new AbortController();
  const { url } = await serve((_, response) => {
    json(response, 503, "{}", { "retry-after": "10" });
    giving.abort();
  });
  await expect(to(url, { signal: giving.signal, patience: new Patience(60_000) })).rejects.toMatchObject({
    code: "endpoint.closed",
  });
});

test("giving up while the door is still sought, or its key, ends the wait", async () => {
  const never = new Promise<never>(() => {});
  const door = doorTo({ endpoint: "http://127.0.0.1:1/mcp" }, env);
  for (const stuck of [{ locate: () => never }, { authorize: () => never }]) {
    const giving = new AbortController();
    const answer = post({ ...door, ...stuck }, message, { mayRepeat: true, signal: giving.signal });
    giving.abort();
    await expect(answer).rejects.toMatchObject({ code: "endpoint.closed" });
  }
});
