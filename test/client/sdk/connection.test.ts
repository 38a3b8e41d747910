import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { afterEach, expect, test } from "vitest";
import type { LocalAddress } from "../../../lib/client/http/door.ts";
import type { Client } from "../../../lib/client/sdk/client.ts";
import type { ConnectionOptions } from "../../../lib/client/sdk/connection.ts";
import { clientOf } from "../../../lib/client/sdk/create-client.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { record } from "../replies.ts";
import { fakeEndpoint, fields, refusal, textBlock } from "./fake-endpoint.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(answer: (tool: string, args: Json) => Promise<Json> | Json) {
  const server = await fakeEndpoint(answer);
  closers.push(server.close);
  return server;
}

function open(findLocal: () => Promise<LocalAddress | undefined>, options: ConnectionOptions = {}): Client {
  const client = clientOf({ local: {} }, { findLocal, ...options });
  closers.push(() => client.close());
  return client;
}

/** What a list of providers is answered with here. */
const listing = (...items: string[]) => fields({ items });

test("a call returns the fields of the answer, as structured content or as text", async () => {
  const server = await serve((tool, args) =>
    tool === "list_providers"
      ? { content: [textBlock({ items: ["local"] })] }
      : fields(record({ id: String(args.task_id) })),
  );
  const client = open(async () => server);
  expect(await client.call("get_task_status", { task_id: "a" })).toEqual(record({ id: "a" }));
  expect(await client.call("list_providers", {})).toEqual({ items: ["local"] });
});

test("a tool's error is thrown with all it says, and is not tried again", async () => {
  let calls = 0;
  const error = { code: "task.not_found", message: "no task", retryable: false, hint: "list_tasks", details: { a: 1 } };
  const server = await serve(() => {
    calls += 1;
    return refusal(error);
  });
  const client = open(async () => server, { patienceMs: 10_000 });
  await expect(client.call("get_task_status", { task_id: "a" })).rejects.toMatchObject({ problem: error });
  expect(calls).toBe(1);
});

test("an error of another version keeps its words, and who failed", async () => {
  const error = { code: "worker.on_fire", message: "it burns", retryable: true, hint: "water", details: { a: 1 } };
  const server = await serve(() => refusal(error));
  const client = open(async () => server, { patienceMs: 0 });
  await expect(client.call("get_task_status", { task_id: "a" })).rejects.toMatchObject({
    problem: { ...error, code: "worker.other", details: { a: 1, code: "worker.on_fire" } },
  });
});

test("an unknown tool is told as it is", async () => {
  const server = await serve(() => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Unknown tool");
  });
  const client = open(async () => server, { patienceMs: 10_000 });
  await expect(client.call("list_providers", {})).rejects.toMatchObject({
    code: "endpoint.failed",
    retryable: false,
  });
});

test("a lost connection is made again to wherever the client is then, and the calls repeated", async () => {
  const first = await fakeEndpoint(() => new Promise<Json>(() => {}));
  const told: string[] = [];
  let address: typeof first | undefined = first;
  const client = open(async () => address, {
    patienceMs: 20_000,
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
  });
  const calls = [client.call("list_providers", {}), client.call("list_account_profiles", {})];
  address = undefined;
  await first.close();
  await expect.poll(() => told).toEqual(["lost"]);
  address = await serve(() => listing());
  expect(await Promise.all(calls)).toEqual([{ items: [] }, { items: [] }]);
  expect(told).toEqual(["lost", "back"]);
});

test("an answer that says it may succeed later is asked for again", async () => {
  let calls = 0;
  const server = await serve(() => {
    calls += 1;
    const error = { code: "platform.store_unavailable", message: "busy", retryable: true };
    return calls < 3 ? refusal(error) : listing(`${calls}`);
  });
  expect(await open(async () => server, { patienceMs: 20_000 }).call("list_providers", {})).toEqual({ items: ["3"] });
  calls = 0;
  await expect(open(async () => server, { patienceMs: 0 }).call("list_providers", {})).rejects.toMatchObject({
    code: "platform.store_unavailable",
  });
});

test("patience has an end, counted from the loss", async () => {
  const error = { code: "platform.internal", message: "always", retryable: true };
  const server = await serve(() => refusal(error));
  const client = open(async () => server, { patienceMs: 400 });
  await expect(client.call("list_providers", {})).rejects.toMatchObject({ code: "platform.internal" });
});

test("what goes wrong while the address is looked for is told at once, as it is", async () => {
  const broken = open(() => Promise.reject(new TypeError("a mistake of ours")));
  await expect(broken.call("list_providers", {})).rejects.toThrow("a mistake of ours");
  await expect(open(async () => undefined).call("list_providers", {})).rejects.toMatchObject({
    code: "local.not_running",
  });
});

test("another token is refused as such, and where nobody is, nobody is waited for without patience", async () => {
  const server = await serve(() => listing());
  const other = open(async () => ({ url: server.url, token: "other" }));
  await expect(other.call("list_providers", {})).rejects.toMatchObject({ code: "endpoint.unauthenticated" });
  await server.close();
  const nobody = open(async () => server, { patienceMs: 0 });
  await expect(nobody.call("list_providers", {})).rejects.toMatchObject({
    code: "endpoint.unreachable",
    message: expect.stringMatching(/^the local system (refuses connections|breaks the connection)/),
  });
});

test("a call that is given up rejects with an AbortError, and so does one that is not begun any more", async () => {
  const server = await serve(() => new Promise<Json>(() => {}));
  const client = open(async () => server);
  const why = new Error("nobody wants it");
  const giveUp = new AbortController();
  const call = client.call("list_providers", {}, { signal: giveUp.signal });
  giveUp.abort(why);
  await expect(call).rejects.toMatchObject({ name: "AbortError", cause: why });
  await expect(client.call("list_providers", {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: "AbortError",
  });
});

test("a dispatch that is asked for again carries the same key, and what is said to an agent is not said twice", async () => {
  const keys: unknown[] = [];
  let said = 0;
  const server = await serve((tool, args) => {
    if (tool === "a2a_send") said += 1;
    else keys.push(args.idempotency_key);
    return refusal({ code: "platform.store_unavailable", message: "busy", retryable: true });
  });
  const client = open(async () => server, { patienceMs: 1000 });
  await expect(client.spawn({ instruction: "go" })).rejects.toMatchObject({ code: "platform.store_unavailable" });
  expect(keys.length).toBeGreaterThan(1);
  expect(new Set(keys)).toEqual(new Set([expect.stringMatching(/^[0-9a-f-]{36}$/)]));
  await expect(client.task("task_1").send("hello")).rejects.toMatchObject({ code: "platform.store_unavailable" });
  expect(said).toBe(1);
});

test("closing ends the calls under way", async () => {
  const server = await serve(() => new Promise<Json>(() => {}));
  const client = open(async () => server, { patienceMs: 20_000 });
  const call = client.call("list_providers", {});
  await Promise.all([expect(call).rejects.toMatchObject({ code: "endpoint.closed" }), client.close()]);
});
