import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../emulators/requests/listen.ts";
import { envOf, gatewayBefore } from "../http/open.ts";
import { BridgeProcess } from "./bridge-process.ts";

const fixtures = join(import.meta.dirname, "../http/fixtures");
const cert = join(fixtures, "localhost.cert.pem");
const tls = { cert: readFileSync(cert), key: readFileSync(join(fixtures, "localhost.key.pem")) };
const call = { name: "list_providers", arguments: {} };

/** A proxy as companies have one: it makes tunnels, or refuses with the status. Which hosts it was asked for is in `asked`. */
async function openProxy(refusal?: string) {
  const asked: { host: string; login: string | undefined }[] = [];
  const server = createServer();
  server.on("connect", ({ url = "", headers }, socket, head) => {
    asked.push({ host: url, login: headers["proxy-authorization"] });
    socket.on("error", () => {});
    if (refusal) return void socket.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
    const { hostname, port } = new URL(`http://${url}`);
    const beyond = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      beyond.write(head);
      beyond.pipe(socket).pipe(beyond);
    });
    beyond.on("error", () => {}).once("close", () => socket.destroy());
    socket.once("close", () => beyond.destroy());
    onTestFinished(() => void beyond.destroy());
  });
  const { endpoint, close } = await listen(server);
  onTestFinished(close);
  return { url: endpoint, asked };
}

async function bridgeBehind(proxy: { url: string }, more: Record<string, string> = {}) {
  const { gateway } = await gatewayBefore({ tls });
  const env = envOf(gateway.admit(), { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: cert, ...more });
  return { gateway, bridge: new BridgeProcess(["--endpoint", gateway.url], { env }) };
}

test("an endpoint is reached through the proxy that HTTPS_PROXY names, with its login", async () => {
  const proxy = await openProxy();
  const { hostname, port } = new URL(proxy.url);
  const { gateway, bridge } = await bridgeBehind({ url: `http://me:secret@${hostname}:${port}` });
  for (const id of [1, 2]) expect(await bridge.ask(id, "tools/call", call)).toHaveProperty("result");
  // What may not come twice has a connection of its own.
  await bridge.ask(3, "tools/call", { name: "a2a_send", arguments: {} });
  const login = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  expect(proxy.asked).toEqual(proxy.asked.map(() => ({ host: new URL(gateway.url).host, login })));
  expect(proxy.asked.length).toBeGreaterThan(1);
  expect(gateway.passed()).toBe(3);
});

test("what NO_PROXY has is reached without it, and so is this machine by plain http", async () => {
  const proxy = await openProxy("403 Forbidden");
  const { bridge } = await bridgeBehind(proxy, { NO_PROXY: "localhost,127.0.0.1" });
  expect(await bridge.ask(1, "tools/call", call)).toHaveProperty("result");
  const { gateway } = await gatewayBefore();
  const env = envOf(gateway.admit(), { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });
  const near = new BridgeProcess(["--endpoint", gateway.url], { env });
  expect(await near.ask(1, "tools/call", call)).toHaveProperty("result");
  expect(proxy.asked).toEqual([]);
});

test("a certificate that nobody vouches for is told of behind a proxy too", async () => {
  const { bridge } = await bridgeBehind(await openProxy(), { NODE_EXTRA_CA_CERTS: "" });
  const { error } = await bridge.ask(1, "tools/call", { name: "a2a_send", arguments: {} });
  expect(error).toMatchObject({ data: { code: "endpoint.unreachable", retryable: false } });
});

test("a proxy that refuses is an answer that names it, and nothing was sent", async () => {
  const { bridge } = await bridgeBehind(await openProxy("407 Proxy Authentication Required"));
  const { error } = await bridge.ask(1, "tools/call", { name: "a2a_send", arguments: {} });
  expect(error).toMatchObject({
    data: { code: "endpoint.unreachable", hint: expect.stringContaining("NO_PROXY") },
  });
});

test("a stack is asked for through the proxy too", async () => {
  const proxy = await openProxy("403 Forbidden");
  const env = { HTTPS_PROXY: proxy.url, HOME: "/nowhere", AWS_MAX_ATTEMPTS: "1" };
  const bridge = new BridgeProcess(["--stack", "Team", "--region", "us-west-2"], { env });
  const { error } = await bridge.ask(1, "tools/call", call);
  expect(error).toMatchObject({ data: { code: "endpoint.unreachable" } });
  expect(proxy.asked[0]).toMatchObject({ host: "cloudformation.us-west-2.amazonaws.com:443" });
});
