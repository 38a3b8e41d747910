import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { type Answer, betrays, forAll, hangUp, parseRaw, type Sent, send, sendRaw, usage } from "../fuzz.ts";
import { commandCall, startSystem, temporaryFolder } from "./system.ts";

const SEED = 20_261_120;

type Call = { headers: Record<string, string | undefined>; body: Json & { params: Json } };
type Case = { what: string; sent: Sent };

/** A call that would run a command, on the newest revision. */
const validCall = (token: string): Call => ({
  headers: {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "dispatch_task",
  },
  body: {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: "dispatch_task",
      arguments: commandCall({ command: "true" }),
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "fuzz", version: "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  },
});

const word = fc.string({ unit: fc.constantFrom(..."abcXYZ019_-./:"), minLength: 1, maxLength: 30 });
const tower = (depth: number, [open, close]: readonly [string, string]) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;
const towers = fc
  .tuple(fc.integer({ min: 120, max: 20_000 }), fc.constantFrom(["[", "]"] as const, ['{"a":', "}"] as const))
  .map(([depth, brackets]) => tower(depth, brackets));

/** Calls of which every single one is wrong in one way. */
function spoiledCalls(token: string): fc.Arbitrary<Case> {
  const { headers, body } = validCall(token);
  const text = JSON.stringify(body);
  const post = (more: Partial<Sent> = {}): Sent => ({ path: "/mcp", headers, body: text, ...more });
  const withHeader = (name: string, values: fc.Arbitrary<string | undefined>) =>
    values.map((value) => ({ what: `${name}: ${value}`, sent: post({ headers: { ...headers, [name]: value } }) }));
  const withBody = (what: string, bodies: fc.Arbitrary<string>) =>
    bodies.map((body) => ({ what, sent: post({ body }) }));
  const withFields = (fields: fc.Arbitrary<Json>) =>
    withBody(
      "fields",
      fields.map((more) => JSON.stringify({ ...body, ...more })),
    );
  const withArgument = (argument: fc.Arbitrary<string>) =>
    withBody(
      "argument",
      argument.map((more) => text.replace('{"command":"true"}', `{"command":"true"},${more}`)),
    );
  const unlike = (wanted: string, ...more: fc.Arbitrary<string | undefined>[]) =>
    fc.oneof(
      word.filter((value) => value.trim() !== wanted),
      fc.constant(undefined),
      ...more,
    );
  return fc.oneof(
    withHeader(
      "mcp-method",
      unlike("tools/call", fc.constantFrom("tools/list", "Tools/Call", "tools/call, tools/call")),
    ),
    withHeader("mcp-name", unlike("dispatch_task", fc.constantFrom("list_tasks", "ÿþ", "dispatch_task, list_tasks"))),
    withHeader("mcp-protocol-version", unlike("2026-07-28", fc.constantFrom("2025-11-25", "2025-06-18", "2099-01-01"))),
    withHeader(
      "content-type",
      unlike("application/json", fc.constantFrom("text/plain", "multipart/form-data", "a;b;c")),
    ),
    withHeader(
      "authorization",
      fc.oneof(
        word,
        word.map((other) => `Bearer ${other}`),
        fc.constant(undefined),
      ),
    ),
    withHeader(
      "host",
      fc.oneof(
        word.map((name) => `x${name}`),
        fc.constantFrom("a b", "[::", "evil.example", "127.0.0.1@evil"),
      ),
    ),
    withHeader(
      "origin",
      fc.oneof(word, fc.constantFrom("null", "https://evil.example", "https://127.0.0.1.evil.example")),
    ),
    fc
      .constantFrom("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")
      .map((method) => ({ what: method, sent: post({ method }) })),
    word.map((path) => ({ what: "path", sent: post({ path: `/${path.replaceAll(".", "")}x` }) })),
    withBody(
      "batch",
      fc.integer({ min: 1, max: 50 }).map((count) => `[${Array(count).fill(text).join(",")}]`),
    ),
    withBody(
      "cut",
      fc.integer({ min: 0, max: text.length - 1 }).map((length) => text.slice(0, length)),
    ),
    withBody(
      "more",
      word.map((more) => `${text}${more}{`),
    ),
    withBody("tower", towers),
    withArgument(towers.map((value) => `"context":${value}`)),
    withArgument(word.map((name) => `${JSON.stringify(`x_${name}`)}:1`)),
    withArgument(
      fc.constantFrom('"__proto__":{"provider":"x"}', '"context":{"__proto__":1}', '"input":[]', '"limits":-1'),
    ),
    withFields(
      fc.constantFrom(
        { jsonrpc: "1.0" },
        { jsonrpc: 2 },
        { jsonrpc: null },
        { id: null },
        { id: {} },
        { id: 1.5 },
        { id: [1] },
      ),
    ),
    withFields(
      fc
        .jsonValue()
        .filter((value) => value !== "tools/call")
        .map((method) => ({ method })),
    ),
    withFields(fc.jsonValue().map((params) => ({ params }))),
  );
}

/** Anything at all, of the revision that says least about itself; some of it is in order, and none of it starts a task. */
function anything(token: string): fc.Arbitrary<Case> {
  const { headers } = validCall(token);
  const names = [
    "tools/call",
    "tools/list",
    "initialize",
    "ping",
    "server/discover",
    "subscriptions/listen",
    "notifications/cancelled",
  ];
  const tools = [
    "dispatch_task",
    "spawn_cloud_agent",
    "wait_for_task",
    "get_task_logs",
    "cancel_task",
    "list_tasks",
    "__proto__",
  ];
  const json = fc.jsonValue({ maxDepth: 3 });
  const params = fc.oneof(
    json,
    fc.record({ name: fc.oneof(fc.constantFrom(...tools), json), arguments: json, _meta: json }, { requiredKeys: [] }),
    fc.record({
      name: fc.constantFrom(...tools),
      arguments: fc.dictionary(word, json),
      _meta: fc.record({ progressToken: json }),
    }),
    fc.record({ protocolVersion: json, capabilities: json, clientInfo: json, cursor: json }, { requiredKeys: [] }),
  );
  const messages = fc.record(
    {
      jsonrpc: fc.constantFrom("2.0", "2.0", "2.0", 2),
      id: fc.oneof(fc.integer(), json),
      method: fc.oneof(fc.constantFrom(...names), json),
      params,
      result: json,
    },
    { requiredKeys: ["method"] },
  );
  const bodies = fc.oneof(
    { weight: 6, arbitrary: messages.map((message) => JSON.stringify(message)) },
    { weight: 1, arbitrary: fc.array(messages, { maxLength: 5 }).map((batch) => JSON.stringify(batch)) },
    { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
  );
  const versions = fc.constantFrom("2025-11-25", "2025-06-18", "2026-07-28", undefined);
  return fc.tuple(bodies, versions, fc.boolean()).map(([body, version, chunked]) => ({
    what: body.slice(0, 300),
    sent: {
      path: "/mcp",
      headers: { ...headers, "mcp-protocol-version": version, "mcp-method": undefined, "mcp-name": undefined },
      body,
      chunked,
    },
  }));
}

/** Bytes that break off, contradict themselves or are no HTTP. */
function brokenBytes(token: string): fc.Arbitrary<string> {
  const { headers, body } = validCall(token);
  const text = JSON.stringify(body);
  const head = (more: string) =>
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}${more}\r\n`;
  const chunked = `${head("transfer-encoding: chunked\r\n")}${text.length.toString(16)}\r\n${text}\r\n`;
  const garbage = fc
    .string({ unit: "binary-ascii", minLength: 1, maxLength: 300 })
    .map((noise) => `\x01${noise}\r\n\r\n`);
  return fc.oneof(
    garbage,
    fc.integer({ min: 1, max: chunked.length }).map((length) => chunked.slice(0, length)),
    fc
      .tuple(fc.constantFrom("zz", "-1", "ffffffffffffffffff", "5;x=\x01"), garbage)
      .map(([size, noise]) => `${head("transfer-encoding: chunked\r\n")}${size}\r\n${noise}`),
    fc.integer({ min: 1, max: 10_000 }).map((more) => head(`content-length: ${text.length + more}\r\n`) + text),
    fc
      .constantFrom(
        "content-length: x",
        "content-length: -1",
        "content-length: 3\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip",
        "expect: miracles",
        "content-length: 1\r\ncontent-length: 2",
      )
      .map((line) => head(`${line}\r\n`) + text),
    fc
      .tuple(fc.integer({ min: 17_000, max: 100_000 }), word)
      .map(([length, name]) => head(`x${name.replaceAll(/\W/g, "")}: ${"a".repeat(length)}\r\n`)),
    fc.constantFrom(2100, 5000).map((count) => head("a: b\r\n".repeat(count))),
    fc
      .constantFrom("CONNECT evil:1", "FOO /mcp", "GET *", "OPTIONS *", "GET //[", "GET http://evil/")
      .map((line) => `${line} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`),
    fc.constantFrom("0.9", "2.0", "9.9", "x").map((version) => head("").replace("HTTP/1.1", `HTTP/${version}`)),
    garbage.map((noise) => `GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n${noise}`),
  );
}

/** Beginnings after which nothing comes. */
const beginnings = (token: string): string[] => [
  "",
  "POST /mc",
  "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ",
  `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-length: 100\r\n\r\n{`,
  `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{`,
];

function isRefusal({ status, type, text }: Answer): boolean {
  if (!type.startsWith("application/json")) return false;
  const body = JSON.parse(text) as Message | Message[];
  if (status === 200) return [body].flat().every(isRefused);
  return (
    status >= 400 && !Array.isArray(body) && body.error?.code !== undefined && typeof body.error.message === "string"
  );
}

type Message = { error?: Json; result?: Json };
const isRefused = ({ error, result }: Message): boolean =>
  result?.isError === true || (Number.isInteger(error?.code) && typeof error?.message === "string");

/** A batch is answered message by message. */
const isAnswered = (body: Message | Message[]): boolean =>
  [body].flat().every((message) => isRefused(message) || message.result !== undefined);

/** In order as well: JSON, a stream, or nothing for a notification. */
const isAnswer = (answer: Answer): boolean =>
  isRefusal(answer) ||
  (answer.status === 202 && answer.text === "") ||
  (answer.status === 200 && (answer.type.startsWith("text/event-stream") || isAnswered(JSON.parse(answer.text))));

describe("garbage at the HTTP door", () => {
  it("is refused, starts nothing, and leaves nothing behind", { timeout: 120_000 }, async () => {
    const { url, token, pid, client } = await startSystem(temporaryFolder());
    const port = Number(new URL(url).port);
    const before = usage(pid);
    const wrong: { what: string; answer: unknown }[] = [];
    const note = (what: string, answer: unknown) => wrong.push({ what, answer: JSON.stringify(answer)?.slice(0, 500) });

    const spoiled = fc.sample(spoiledCalls(token), { numRuns: 3920, seed: SEED });
    const others = fc.sample(anything(token), { numRuns: 2500, seed: SEED });
    const broken = fc.sample(brokenBytes(token), { numRuns: 1000, seed: SEED });
    const large = Array.from({ length: 20 }, (_, index): Sent => {
      const { headers } = validCall(token);
      const body = `{"jsonrpc":"2.0","id":1,"x":"${"a".repeat(5_000_000)}"}`;
      return {
        path: "/mcp",
        headers: index % 3 === 0 ? { ...headers, authorization: "no" } : headers,
        body,
        chunked: index % 2 === 0,
      };
    });
    const round = async (part: (items: readonly unknown[]) => [number, number]) => {
      const of = <T>(items: readonly T[]) => items.slice(...part(items));
      await forAll(of(spoiled), 24, async ({ what, sent }) => {
        const answer = await send(port, sent);
        if (!answer || betrays(answer) || !isRefusal(answer)) note(what, answer);
      });
      await forAll(of(others), 24, async ({ what, sent }) => {
        const answer = await send(port, sent);
        if (!answer || betrays(answer) || !isAnswer(answer)) note(what, answer);
      });
      await forAll(of(broken), 24, async (bytes) => {
        const text = await sendRaw(port, bytes);
        if (text !== "" && (betrays(parseRaw(text)) || !isRefusal(parseRaw(text)))) note(bytes.slice(0, 400), text);
      });
      await forAll(of(large), 4, async (sent) => {
        const answer = await send(port, sent);
        if (answer && (betrays(answer) || !isRefusal(answer))) note("large", answer);
      });
      hangUp();
    };
    const silent = async () => {
      const begun = performance.now();
      const texts = Array.from({ length: 50 }, (_, index) => beginnings(token)[index % 5] ?? "");
      await forAll(texts, 50, async (text) => {
        const came = await sendRaw(port, text, { end: false });
        if (came !== "" && !isRefusal(parseRaw(came))) note(`silent after ${text}`, came);
      });
      return performance.now() - begun;
    };

    const half = (items: readonly unknown[]) => Math.floor(items.length / 2);
    await round((items) => [0, half(items)]);
    const [silentMs] = await Promise.all([silent(), round((items) => [half(items), items.length])]);

    expect(wrong.slice(0, 20)).toEqual([]);
    expect(silentMs).toBeLessThan(15_000);
    expect((await client.must("list_tasks", {})).items).toEqual([]);
    await expect.poll(() => usage(pid).files, { timeout: 10_000 }).toBeLessThanOrEqual(before.files + 2);
    await expect.poll(() => usage(pid).residentMb, { timeout: 10_000 }).toBeLessThan(before.residentMb + 100);
    expect(await client.ended(await client.command("true"))).toMatchObject({ status: "succeeded" });
  });
});
