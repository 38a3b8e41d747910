import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { MAX_CALL_BYTES } from "../../../lib/contract/limits.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { BridgeProcess } from "./bridge-process.ts";
import { type Behaviour, event, json, openScripted, result, stream } from "./scripted-endpoint.ts";

const VERSION = "io.modelcontextprotocol/protocolVersion";
const modern = (params: Json = {}): Json => ({ ...params, _meta: { [VERSION]: "2026-07-28" } });
const note = (n: number) => ({ jsonrpc: "2.0", method: "notifications/progress", params: { progress: n } });
/** Begins an answer and never ends it. */
const never: Behaviour = (_, response) => void stream(response).flushHeaders();

async function start(behaviours: Record<string, Behaviour> = {}, args: string[] = []) {
  const endpoint = await openScripted(behaviours, onTestFinished);
  const bridge = new BridgeProcess(["--endpoint", endpoint.url, "--region", "us-west-2", ...args]);
  return { endpoint, bridge };
}

test("a request of 2026-07-28 has headers that repeat what it says of itself", async () => {
  const { bridge, endpoint } = await start();
  await bridge.ask(1, "tools/call", modern({ name: "get_task_status", arguments: {} }));
  await bridge.ask(2, "tools/call", modern({ name: "Grüße" }));
  await bridge.ask(3, "tasks/get", modern({ taskId: "t1" }));
  await bridge.ask(4, "tools/list", modern());
  expect(endpoint.received.map(({ headers }) => headers)).toMatchObject([
    { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "get_task_status" },
    { "mcp-method": "tools/call", "mcp-name": "=?base64?R3LDvMOfZQ==?=" },
    { "mcp-method": "tasks/get", "mcp-name": "t1" },
    { "mcp-method": "tools/list", accept: "application/json, text/event-stream", "content-type": "application/json" },
  ]);
  expect(endpoint.received[3]?.headers).not.toHaveProperty("mcp-name");
  expect(await bridge.end()).toBe(0);
});

test("what an initialize brought is in the headers of what follows it, also of what was sent before it was answered", async () => {
  const { bridge, endpoint } = await start({
    async initialize({ message }, response) {
      await sleep(100);
      response.setHeader("mcp-session-id", "s1");
      json(response, { jsonrpc: "2.0", id: message.id, result: { protocolVersion: "2025-06-18" } });
    },
  });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25" } });
  bridge.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  bridge.send({ jsonrpc: "2.0", id: 2, method: "tools/list" });
  await bridge.answer(2);
  const [first, ...rest] = endpoint.received.map(({ headers }) => headers);
  expect(first).not.toHaveProperty("mcp-protocol-version");
  expect(rest).toHaveLength(2);
  for (const headers of rest) {
    expect(headers).toMatchObject({ "mcp-protocol-version": "2025-06-18", "mcp-session-id": "s1" });
    expect(headers).not.toHaveProperty("mcp-method");
  }
});

test("while an initialize is waited for, what needs nothing of it is read, and the end of the input is seen", async () => {
  const { bridge, endpoint } = await start({ initialize: never });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25" } });
  bridge.send({ jsonrpc: "2.0", id: 2, method: "tools/list" });
  bridge.send("{");
  bridge.send({ jsonrpc: "2.0", id: 3, method: "subscriptions/listen", params: {} });
  expect(await bridge.answer(null)).toMatchObject({ error: { code: -32700 } });
  bridge.child.stdin?.end();
  // What ends with the client is told so: the bridge is on its way to its end.
  expect(await bridge.answer(3)).toMatchObject({ error: { data: { code: "endpoint.closed" } } });
  expect([...endpoint.of("tools/list"), ...endpoint.of("subscriptions/listen")]).toEqual([]);
});

test("a message is posted as it was written, and its answer names the id as it was written", async () => {
  const { bridge, endpoint } = await start();
  const line =
    '{ "jsonrpc":"2.0","id":12345678901234567890 ,"method":"ping","params":{"n":1e400,"n":1.0,"__proto__":{}} }';
  bridge.send(line);
  await bridge.until(() => true);
  expect(endpoint.received[0]?.body).toBe(line);
  expect(bridge.lines[0]).toContain('"id":12345678901234567890,');
});

test("a call that dispatches gets one idempotency key, the same in every try", async () => {
  let tries = 0;
  const { bridge, endpoint } = await start({
    "tools/call"({ message }, response) {
      tries += 1;
      if (tries === 1) return void response.destroy();
      if (tries === 2) return void response.writeHead(503).end();
      if (tries === 3) {
        // An answer that breaks off.
        response.writeHead(200, { "content-type": "application/json" }).write('{"jsonrpc":"2.0",');
        return void setTimeout(() => response.destroy(), 50);
      }
      json(response, { jsonrpc: "2.0", id: message.id, result: {} });
    },
  });
  const args = { instruction: "x", idempotency_key: null };
  expect(await bridge.ask(1, "tools/call", { name: "spawn_cloud_agent", arguments: args })).toMatchObject({
    result: {},
  });
  const keyOf = ({ message }: { message: Json }) =>
    (message.params as { arguments: Json }).arguments.idempotency_key as string;
  const keys = endpoint.received.map(keyOf);
  expect(keys).toHaveLength(4);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^bridge-[0-9a-f-]{36}$/);
  await bridge.ask(2, "tools/call", { name: "dispatch_task", arguments: { idempotency_key: "mine" } });
  await bridge.ask(3, "tools/call", { name: "dispatch_task", arguments: {} });
  await bridge.ask(4, "tools/call", { name: "get_task_status", arguments: {} });
  const [, , , , second, third, fourth] = endpoint.received.map(keyOf);
  expect(second).toBe("mine");
  expect(third).not.toBe(keys[0]);
  expect(fourth).toBeUndefined();
});

test("a call that may not come twice is posted once, and the answer to a lost one says that it may have been carried out", async () => {
  const { bridge, endpoint } = await start({ "tools/call": (_, response) => void response.destroy() });
  const answer = await bridge.ask(1, "tools/call", { name: "a2a_send", arguments: {} });
  expect(answer.error).toMatchObject({ code: -32603, data: { code: "endpoint.answer_lost", retryable: false } });
  expect(endpoint.received).toHaveLength(1);
});

test("a stream is passed on in order as it comes, requests of the server with it, and the answers to those are posted", async () => {
  let going: Parameters<Behaviour>[1] | undefined;
  const { bridge, endpoint } = await start({
    "tools/call"({ message }, response) {
      going = stream(response);
      response.write(event(note(1)) + event({ jsonrpc: "2.0", id: "s-1", method: "elicitation/create", params: {} }));
      endpoint_.done = () =>
        response.end(event(note(2)) + event({ jsonrpc: "2.0", id: message.id, result: { ok: 1 } }));
    },
    answer: (_, response) => {
      response.writeHead(202).end();
      endpoint_.done();
    },
  });
  const endpoint_ = { done: () => {} };
  bridge.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait_for_task" } });
  await bridge.until(({ method }) => method === "elicitation/create");
  expect(going?.writableEnded).toBe(false);
  bridge.send({ jsonrpc: "2.0", id: "s-1", result: { action: "accept" } });
  await bridge.answer(1);
  expect(bridge.messages.map(({ method, result }) => method ?? result)).toEqual([
    "notifications/progress",
    "elicitation/create",
    "notifications/progress",
    { ok: 1 },
  ]);
  expect(endpoint.received[1]?.message).toEqual({ jsonrpc: "2.0", id: "s-1", result: { action: "accept" } });
});

test.each([
  ["a number that there is not", Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"n":NaN}}')],
  ["a comma too many", Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":1,}}')],
  ["bytes that are no text", Buffer.from('{"jsonrpc":"2.0","id":1,"result":"\xff\xfe"}', "latin1")],
])("an answer with %s reaches nobody, and the request is answered all the same", async (_, body) => {
  const { bridge } = await start({
    ping: (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end(body),
  });
  expect(await bridge.ask(1, "ping")).toMatchObject({ error: { data: { code: "endpoint.failed" } } });
  expect(await bridge.end()).toBe(0);
});

test("a long answer that stops in the middle keeps no other long one from coming", async () => {
  const long = "x".repeat(200_000);
  const { bridge } = await start({
    stall: (_, response) => void stream(response).write(`data: {"jsonrpc":"2.0","id":1,"result":"${long}`),
    long: result({ long }),
  });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "stall" });
  expect(await bridge.ask(2, "long")).toMatchObject({ result: { long } });
  expect(await bridge.ask(3, "long")).toMatchObject({ result: { long } });
});

test.each(["wait_for_task", "dispatch_task"])(
  "a stream that ends without an answer is asked for again where that is safe, as in %s, and answered once",
  async (name) => {
    let tries = 0;
    const { bridge, endpoint } = await start({
      "tools/call"({ message }, response) {
        tries += 1;
        stream(response).write(event(note(tries)));
        if (tries === 2) response.write(event({ jsonrpc: "2.0", id: message.id, result: {} }));
        response.end();
      },
    });
    expect(await bridge.ask(1, "tools/call", { name, arguments: {} })).toMatchObject({ result: {} });
    await bridge.end();
    expect(endpoint.received).toHaveLength(2);
    expect(bridge.messages.map(({ method, id }) => method ?? id)).toEqual([note(1).method, note(2).method, 1]);
  },
);

test("a stream that ends without the answer to what may not come twice is answered with an error", async () => {
  const { bridge } = await start({ "tools/call": (_, response) => void stream(response).end(event(note(1))) });
  const answer = await bridge.ask(1, "tools/call", { name: "a2a_send" });
  expect(answer.error).toMatchObject({ code: -32603, data: { code: "endpoint.answer_lost", retryable: false } });
  expect(bridge.messages).toHaveLength(2);
});

const lateRefusal: Behaviour = (_, response) => void response.writeHead(503, { "retry-after": "3600" }).end();

test.each<[string, Behaviour]>([
  ["before it began", (_, response) => void response.destroy()],
  ["at a gateway", (_, response) => void response.writeHead(504).end()],
  ["in the middle", (_, response) => void stream(response).end(event(note(1)))],
])(
  "a dispatch whose answer was lost %s, and that is given up, names its key and is not to be repeated",
  async (_, lose) => {
    let tries = 0;
    const { bridge, endpoint } = await start({
      "tools/call": (received, response) => (tries++ === 0 ? lose : lateRefusal)(received, response),
    });
    const { error } = await bridge.ask(1, "tools/call", { name: "dispatch_task", arguments: { input: {} } });
    const sent = endpoint.received.map(({ message }) => (message.params as { arguments: Json }).arguments);
    expect(sent).toHaveLength(2);
    const idempotencyKey = sent[1]?.idempotency_key;
    expect(idempotencyKey).toBe(sent[0]?.idempotency_key);
    expect(error).toMatchObject({
      data: {
        code: "endpoint.answer_lost",
        retryable: false,
        details: { idempotencyKey },
        hint: expect.stringContaining(
          `list_tasks before it is made again, or make it again with exactly this idempotency_key: ${idempotencyKey}`,
        ),
      },
    });
  },
);

test("a dispatch that was refused before it was carried out may be repeated", async () => {
  const { bridge } = await start({ "tools/call": lateRefusal });
  const { error } = await bridge.ask(1, "tools/call", { name: "dispatch_task", arguments: { input: {} } });
  expect(error).toMatchObject({ data: { code: "endpoint.busy", retryable: true } });
});

test("what has all its answers is over, though the stream goes on", async () => {
  const closed = Promise.withResolvers<void>();
  const { bridge } = await start({
    "tools/call"({ message }, response) {
      response.once("close", closed.resolve);
      stream(response).write(event({ jsonrpc: "2.0", id: message.id, result: {} }));
    },
  });
  await bridge.ask(1, "tools/call", { name: "list_tasks", arguments: {} });
  await closed.promise;
  expect(await bridge.end()).toBe(0);
});

test("an error of the protocol is passed on whatever the HTTP status, with the id of the request", async () => {
  const error = { code: -32601, message: "Method not found", data: { of: "endpoint" } };
  const { bridge } = await start({
    one: ({ message }, response) => json(response, { jsonrpc: "2.0", id: message.id, error }, 404),
    other: (_, response) => json(response, { jsonrpc: "2.0", id: null, error }, 400),
  });
  expect(await bridge.ask("a", "one")).toEqual({ jsonrpc: "2.0", id: "a", error });
  expect(await bridge.ask("b", "other")).toEqual({ jsonrpc: "2.0", id: "b", error });
});

test.each([
  ["a page", 200, "text/html", "<html>log in</html>"],
  ["JSON that is no JSON-RPC", 200, "application/json", '{"ok":true}'],
  ["the answer to another request", 200, "application/json", '{"jsonrpc":"2.0","id":99,"result":{}}'],
  ["an answer whose result is no object", 200, "application/json", '{"jsonrpc":"2.0","id":1,"result":5}'],
  ["an answer whose error says nothing", 200, "application/json", '{"jsonrpc":"2.0","id":1,"error":{"code":1}}'],
  [
    "an answer of both kinds",
    200,
    "application/json",
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}',
  ],
  ["a redirect", 302, "text/html", ""],
  ["a refusal of a gateway", 403, "application/json", '{"message":"Missing Authentication Token"}'],
  ["a refusal of a function", 413, "text", "too long"],
])("%s in place of an answer becomes an error that says what to do", async (_, status, type, body) => {
  const { bridge } = await start({
    "tools/call": (_, response) =>
      void response.writeHead(status, { "content-type": type, location: "https://example.com/" }).end(body),
  });
  const { error } = (await bridge.ask(1, "tools/call", { name: "add_agent" })) as {
    error: { message: string; data: Json };
  };
  expect(error).toMatchObject({ code: -32603, data: { code: expect.stringMatching(/^endpoint\./) } });
  expect(error.data.hint).toBeTruthy();
  expect(error.message).toContain(error.data.hint);
  expect(bridge.messages).toHaveLength(1);
});

test.each(["initialize", "server/discover"])(
  "%s with nobody at the address is answered with what to do",
  async (method) => {
    const bridge = new BridgeProcess(["--endpoint", "http://127.0.0.1:9/mcp", "--region", "us-west-2"]);
    const { error } = (await bridge.ask(1, method)) as { error: Json };
    expect(error).toMatchObject({ code: -32603, data: { code: "endpoint.unreachable" } });
    expect(await bridge.end()).toBe(0);
  },
);

test("an address that may not be used, and credentials that are not there, are an answer too", async () => {
  const insecure = new BridgeProcess(["--endpoint", "http://192.0.2.1/mcp"]);
  const { error } = (await insecure.ask(1, "initialize")) as { error: Json };
  expect(error).toMatchObject({ data: { code: "endpoint.insecure" } });
  const env = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", AWS_EC2_METADATA_DISABLED: "true", HOME: "/nowhere" };
  const locked = new BridgeProcess(["--endpoint", "https://a.execute-api.us-west-2.amazonaws.com/live/mcp"], { env });
  const refused = (await locked.ask(1, "initialize")) as { error: { message: string } };
  expect(refused.error).toMatchObject({ data: { code: "endpoint.unauthenticated" } });
  expect(refused.error.message).toContain("aws sso login");
});

test("a request that is cancelled is aborted and not answered; since 2026-07-28 that is all, before the endpoint is told", async () => {
  const aborted: unknown[] = [];
  const { bridge, endpoint } = await start({
    "tools/call": ({ message, request }, response) => {
      request.socket.once("close", () => aborted.push(message.id));
      stream(response).write(event(note(1)));
    },
  });
  for (const [id, params] of [
    [1, modern({ name: "wait_for_task" })],
    ["two", { name: "wait_for_task" }],
  ] as const) {
    const seen = bridge.messages.length;
    bridge.send({ jsonrpc: "2.0", id, method: "tools/call", params });
    await bridge.until(() => bridge.messages.length > seen);
    const meta = id === 1 ? modern() : {};
    bridge.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id, ...meta } });
  }
  await bridge.ask(3, "ping");
  expect(await bridge.end()).toBe(0);
  expect(aborted).toEqual([1, "two"]);
  expect(bridge.messages.filter(({ id }) => id !== undefined)).toHaveLength(1);
  expect(endpoint.of("notifications/cancelled").map(({ message }) => message.params)).toEqual([{ requestId: "two" }]);
});

test("lines that are no messages are answered, and what follows them is served", async () => {
  const { bridge } = await start();
  for (const line of ["{", "", "  ", "5", '{"jsonrpc":"2.0","id":7}', '{"jsonrpc":"2.0","id":8,"method":5}', "\u0000"])
    bridge.send(line);
  bridge.child.stdin?.write(Buffer.from('{"jsonrpc":"2.0","id":6,"method":"\xff"}\n', "latin1"));
  await bridge.ask(9, "ping");
  expect(bridge.messages.map(({ id, error }) => [id, (error as Json | undefined)?.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [7, -32600],
    [8, -32600],
    [null, -32700],
    [null, -32700],
    [9, undefined],
  ]);
});

test("an id that is none is refused, and so is a batch of nothing; of a batch, what is a message is served", async () => {
  const { bridge, endpoint } = await start({
    batch: ({ message }, response) =>
      json(
        response,
        (message as unknown as Json[]).map(({ id }) => ({ jsonrpc: "2.0", id, result: {} })),
      ),
  });
  const ping = (id: unknown) => ({ jsonrpc: "2.0", id, method: "ping" });
  for (const line of [ping(null), ping(true), [], [5], [ping(1), 5, ping({})]]) bridge.send(line);
  await bridge.answer(1);
  expect(bridge.messages.map(({ id, error }) => [id, (error as Json | undefined)?.code])).toEqual([
    ...Array(6).fill([null, -32600]),
    [1, undefined],
  ]);
  expect(endpoint.received.map(({ message }) => message)).toEqual([[ping(1)]]);
});

test("a version that no header can hold is refused, and not put into one", async () => {
  const { bridge, endpoint } = await start();
  const answer = await bridge.ask(1, "ping", { _meta: { [VERSION]: "1\r\nx-other: 2" } });
  expect(answer.error).toMatchObject({ code: -32600 });
  expect(endpoint.received).toHaveLength(0);
});

test("a batch of 2025-03-26 is one request, and each of its messages is answered", async () => {
  const { bridge, endpoint } = await start({
    batch: ({ message }, response) =>
      json(
        response,
        (message as unknown as Json[]).flatMap(({ id }) =>
          id === undefined || id === 3 ? [] : [{ jsonrpc: "2.0", id, result: {} }],
        ),
      ),
  });
  bridge.send(
    '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},' +
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"dispatch_task","arguments":{"input":{}}}},' +
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"add_agent","arguments":{}}}]',
  );
  expect(await bridge.answer(1)).toMatchObject({ result: {} });
  expect(await bridge.answer(2)).toMatchObject({ result: {} });
  expect(await bridge.answer(3)).toMatchObject({ error: { data: { code: "endpoint.answer_lost" } } });
  expect(endpoint.received).toHaveLength(1);
  expect(endpoint.received[0]?.message).toMatchObject({
    2: { params: { arguments: { input: {}, idempotency_key: expect.stringMatching(/^bridge-/) } } },
  });
});

test.each([
  ["in front", (text: string) => `{"jsonrpc":"2.0","id":"long","method":"ping","params":"${text}"}`, "long"],
  ["at the end", (text: string) => `{"method":"ping","params":{"id":1,"a":"${text}"},"jsonrpc":"2.0","id":5}`, 5],
  ["nowhere", (text: string) => `{"method":"ping","params":{"a":"${text}","id":5}}`, null],
])("a message that is too long is refused by name, with the id that stands %s", async (_, line, id) => {
  const { bridge, endpoint } = await start();
  bridge.send(line("x".repeat(MAX_CALL_BYTES)));
  const { error } = (await bridge.answer(id)) as { error: { code: number; message: string } };
  expect(error.code).toBe(-32600);
  expect(error.message).toMatch(
    new RegExp(`has ${MAX_CALL_BYTES + line("").length} bytes, and at most ${MAX_CALL_BYTES}`),
  );
  await bridge.ask(6, "ping");
  expect(endpoint.received).toHaveLength(1);
});

test.each(["the input ends", "SIGTERM"])(
  "what is under way is answered when %s, and then the bridge ends",
  async (how) => {
    const release = Promise.withResolvers<void>();
    const { bridge, endpoint } = await start({
      async "tools/call"(received, response) {
        await release.promise;
        result({ late: true })(received, response);
      },
      "subscriptions/listen": never,
    });
    bridge.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait_for_task" } });
    bridge.send({ jsonrpc: "2.0", id: 2, method: "subscriptions/listen", params: {} });
    while (endpoint.received.length < 2) await sleep(10);
    if (how === "SIGTERM") bridge.child.kill("SIGTERM");
    else bridge.child.stdin?.end();
    expect(await bridge.answer(2)).toMatchObject({ error: { data: { code: "endpoint.closed" } } });
    release.resolve();
    expect(await bridge.ended).toBe(0);
    expect(bridge.messages.find(({ id }) => id === 1)).toMatchObject({ result: { late: true } });
  },
);

test("a second signal waits for nothing", async () => {
  const { bridge, endpoint } = await start({ "tools/call": never });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait_for_task" } });
  while (endpoint.received.length < 1) await sleep(10);
  bridge.child.kill("SIGTERM");
  await sleep(100);
  bridge.child.kill("SIGTERM");
  expect(await bridge.ended).toBe(0);
});

test("a client that reads no more ends the bridge and what was under way", async () => {
  const { bridge, endpoint } = await start({ "tools/call": never });
  bridge.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "wait_for_task" } });
  while (endpoint.received.length < 1) await sleep(10);
  const gone = once(endpoint.received[0]?.request.socket ?? bridge.child, "close");
  bridge.child.stdout?.destroy();
  bridge.send({ jsonrpc: "2.0", id: 2, method: "ping" });
  expect(await bridge.ended).toBe(0);
  await gone;
});

test("nothing but messages is on standard output, and no secret in what is told", async () => {
  const { bridge } = await start({ one: (_, response) => void response.writeHead(500).end("oops") }, [
    "--log-level",
    "debug",
  ]);
  await bridge.ask(1, "one");
  await bridge.end();
  for (const line of bridge.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
  expect(bridge.err).toContain("debug");
  expect(bridge.err + bridge.lines.join()).not.toContain("canary-secret");
});

test("what a library prints is no message, and goes to standard error", async () => {
  const noise = 'setInterval(() => { console.log("noise"); process.stdout.write("noise\\n"); }, 5)';
  const endpoint = await openScripted({}, onTestFinished);
  const bridge = new BridgeProcess(["--endpoint", endpoint.url, "--region", "us-west-2"], {
    env: { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(noise)}"` },
  });
  await bridge.ask(1, "ping");
  while (!bridge.err.includes("noise")) await sleep(5);
  await bridge.ask(2, "ping");
  expect(await bridge.end()).toBe(0);
  expect(bridge.lines).toHaveLength(2);
});

test("a variable that a client hands on without having it counts as not set", async () => {
  const endpoint = await openScripted({}, onTestFinished);
  const env = { AWS_PROFILE: "$AWS_PROFILE", AWS_SESSION_TOKEN: `\${AWS_SESSION_TOKEN}` };
  const bridge = new BridgeProcess(["--endpoint", endpoint.url, "--region", "us-west-2"], { env });
  expect(await bridge.ask(1, "ping")).toMatchObject({ result: {} });
  expect(endpoint.received[0]?.headers).not.toHaveProperty("x-amz-security-token");
});

test("words that it does not know end it with 2 and its help; --version tells the version", async () => {
  const unknown = new BridgeProcess(["--endpont", "x"]);
  expect(await unknown.ended).toBe(2);
  expect(unknown.err).toMatch(/--endpont[\s\S]*Usage:/);
  expect(unknown.lines).toEqual([]);
  const both = new BridgeProcess(["--endpoint", "https://example.com/mcp", "--stack", "s"]);
  expect(await both.ended).toBe(2);
});
