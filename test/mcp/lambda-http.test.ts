import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { lambdaHttp, type Metadata } from "../../lambdas/mcp/lambda-http.ts";
import { RefusedError } from "../../lib/contract/errors.ts";
import type { Caller } from "../../lib/engine/service.ts";

const context = { awsRequestId: "1" };
const event = (changes: object = {}) => ({
  httpMethod: "POST",
  path: "/mcp",
  body: "{}",
  requestContext: { path: "/live/mcp", domainName: "api.example.com", identity: { userArn: "arn" } },
  ...changes,
});

const callerOf = async ({ principal = "", token }: { principal: string | undefined; token?: string | undefined }) => {
  if (principal === "nobody") throw new RefusedError("caller.unsupported", "this caller is not known");
  return { owner: `owner of ${principal}`, ...(token !== undefined && { within: `named by ${token}` }) };
};

/** The function around a handler, and what it said. */
function around(serve: (request: Request, caller: Caller) => Promise<Response>) {
  const begun: Metadata[] = [];
  const logged: string[] = [];
  const streams = {
    from(stream: Writable, metadata: Metadata) {
      begun.push(metadata);
      return stream;
    },
  };
  const log = { debug: (line: string) => void logged.push(line), error: (line: string) => void logged.push(line) };
  return { run: lambdaHttp({ serve, callerOf, streams, log }), begun, logged };
}

test("a request has the address, the headers and the body of the event, and nothing of what says who calls", async () => {
  const seen: unknown[] = [];
  const { run, begun } = around(async (request, caller) => {
    seen.push(request.url, caller, Object.fromEntries(request.headers), await request.text());
    return new Response("yes", {
      status: 201,
      headers: { Connection: "close", "Content-Type": "text/plain", "Transfer-Encoding": "chunked", "X-A": "1" },
    });
  });
  const out = new PassThrough();
  const headers = {
    Authorization: "AWS4-HMAC-SHA256 x",
    "X-Amz-Security-Token": "t",
    "X-AgentDispatch-Task": "t",
    "X-B": "2",
  };
  const body = Buffer.from("grüße").toString("base64");
  const [content] = await Promise.all([text(out), run(event({ headers, body, isBase64Encoded: true }), out, context)]);
  expect(seen).toEqual([
    "https://api.example.com/live/mcp",
    { owner: "owner of arn", within: "named by t" },
    { "x-b": "2" },
    "grüße",
  ]);
  expect(begun).toEqual([{ statusCode: 201, headers: { "content-type": "text/plain", "x-a": "1" } }]);
  expect(content).toBe("yes");
});

test("what the handler throws is an answer all the same, and says nothing of it", async () => {
  const { run, begun, logged } = around(() => Promise.reject(new Error("a secret")));
  const out = new PassThrough();
  const [content] = await Promise.all([text(out), run(event(), out, context)]);
  expect(begun).toMatchObject([{ statusCode: 500 }]);
  expect(JSON.parse(content)).toEqual({
    jsonrpc: "2.0",
    error: { code: -32_603, message: "Internal error" },
    id: null,
  });
  expect(logged).toEqual(["a request failed"]);
});

test("a caller that is nobody is refused, and no handler hears of it", async () => {
  const { run, begun, logged } = around(() => Promise.reject(new Error("it was called")));
  const out = new PassThrough();
  const nobody = event({ requestContext: { identity: { userArn: "nobody" } } });
  const [content] = await Promise.all([text(out), run(nobody, out, context)]);
  expect(begun).toMatchObject([{ statusCode: 403 }]);
  expect(JSON.parse(content)).toMatchObject({ error: { message: "this caller is not known" } });
  expect(logged).toEqual([]);
});

test("a body is read no faster than it can be written", async () => {
  const CHUNKS = 500;
  let made = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (made++ === CHUNKS) controller.close();
      else controller.enqueue(new Uint8Array(16_384));
    },
  });
  const { run } = around(async () => new Response(body));
  const held: (() => void)[] = [];
  let written = 0;
  const slow = new Writable({
    highWaterMark: 16_384,
    write(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      held.push(done);
      slow.emit("held");
    },
  });
  const began = once(slow, "held");
  const running = run(event(), slow, context);
  await began;
  expect(made).toBeLessThan(20);
  slow.on("held", () => held.splice(0).forEach((done) => void setImmediate(done)));
  slow.emit("held");
  await running;
  expect(written).toBe(CHUNKS * 16_384);
});

test("who leaves aborts the request, and the body is given up", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const waiting = around(async ({ signal }) => {
    asked.resolve(signal);
    await once(signal, "abort");
    return new Response(null, { status: 499 });
  });
  const first = new PassThrough();
  const ended = waiting.run(event(), first, context);
  const signal = await asked.promise;
  expect(signal.aborted).toBe(false);
  first.destroy();
  await ended;
  expect(signal.aborted).toBe(true);

  const cancelled = Promise.withResolvers<void>();
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: () => cancelled.resolve(),
  });
  const streaming = around(async () => new Response(endless));
  const second = new PassThrough();
  const over = streaming.run(event(), second, context);
  await once(second, "readable");
  second.destroy(new Error("the connection was reset"));
  await Promise.all([over, cancelled.promise]);
  expect(streaming.logged).toEqual(["the caller left before the answer was complete"]);
});

test("a body that breaks off fails the function, so that the gateway cuts the answer off too", async () => {
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error("broken")) });
  const { run } = around(async () => new Response(broken));
  const out = new PassThrough().resume();
  await expect(run(event(), out, context)).rejects.toThrow("broken");
  expect(out.destroyed).toBe(true);
});
