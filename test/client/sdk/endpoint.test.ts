import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { afterEach, expect, test } from "vitest";
import { Endpoint } from "../../../lib/client/sdk/endpoint.ts";
import { RetryableError } from "../../../lib/contract/errors.ts";
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

function open(...args: ConstructorParameters<typeof Endpoint>): Endpoint {
  const endpoint = new Endpoint(...args);
  closers.push(() => endpoint.close());
  return endpoint;
}

/** What a list of providers is answered with here. */
const listing = (...items: string[]) => fields({ items });

test("a call returns the fields of the answer, as structured content or as text", async () => {
  const server = await serve((tool, args) =>
    tool === "list_providers"
      ? { content: [textBlock({ items: ["local"] })] }
      : fields(record({ id: String(args.task_id) })),
  );
  const endpoint = open(async () => server);
  expect(await endpoint.call("get_task_status", { task_id: "a" })).toEqual(record({ id: "a" }));
  expect(await endpoint.call("list_providers", {})).toEqual({ items: ["local"] });
});

test("a tool's error is thrown with all it says, and is not tried again", async () => {
  let calls = 0;
  const error = { code: "task.not_found", message: "no task", retryable: false, hint: "list_tasks", details: { a: 1 } };
  const server = await serve(() => {
    calls += 1;
    return refusal(error);
  });
  const endpoint = open(async () => server, { patienceMs: 10_000 });
  await expect(endpoint.call("get_task_status", { task_id: "a" })).rejects.toMatchObject({ problem: error });
  expect(calls).toBe(1);
});

test("an error of another version keeps its words, and who failed", async () => {
  const error = { code: "worker.on_fire", message: "it burns", retryable: true, hint: "water", details: { a: 1 } };
  const server = await serve(() => refusal(error));
  const endpoint = open(async () => server, { patienceMs: 0 });
  await expect(endpoint.call("get_task_status", { task_id: "a" })).rejects.toMatchObject({
    problem: { ...error, code: "worker.other", details: { a: 1, code: "worker.on_fire" } },
  });
});

test("an unknown tool is told as it is", async () => {
  const server = await serve(() => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Unknown tool");
  });
  const endpoint = open(async () => server, { patienceMs: 10_000 });
  await expect(endpoint.call("list_providers", {})).rejects.toMatchObject({
    code: "endpoint.failed",
    retryable: false,
  });
});

test("a lost connection is made again to wherever the endpoint is then, and the calls repeated", async () => {
  const first = await fakeEndpoint(() => new Promise<Json>(() => {}));
  const told: string[] = [];
  let address: typeof first | undefined = first;
  const endpoint = open(async () => address, {
    patienceMs: 20_000,
    onLost: () => told.push("lost"),
    onBack: () => told.push("back"),
  });
  const calls = [endpoint.call("list_providers", {}), endpoint.call("list_account_profiles", {})];
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
  await expect(open(async () => server).call("list_providers", {})).rejects.toMatchObject({
    code: "platform.store_unavailable",
  });
});

test("patience has an end, counted from the loss", async () => {
  const error = { code: "platform.internal", message: "always", retryable: true };
  const server = await serve(() => refusal(error));
  const endpoint = open(async () => server, { patienceMs: 400 });
  await expect(endpoint.call("list_providers", {})).rejects.toMatchObject({ code: "platform.internal" });
});

test("what goes wrong while the address is looked for is told at once, unless it says that it passes", async () => {
  const broken = open(() => Promise.reject(new TypeError("a mistake of ours")), { patienceMs: 20_000 });
  await expect(broken.call("list_providers", {})).rejects.toMatchObject({
    code: "endpoint.failed",
    message: "a mistake of ours",
  });
  const server = await serve(() => listing("local"));
  let looks = 0;
  const late = open(
    async () => {
      if (++looks === 1) throw new RetryableError("platform.store_unavailable", "busy");
      return server;
    },
    { patienceMs: 20_000 },
  );
  expect(await late.call("list_providers", {})).toEqual({ items: ["local"] });
});

test("nobody there, or another token, is unreachable at once without patience", async () => {
  await expect(open(async () => undefined).call("list_providers", {})).rejects.toMatchObject({
    code: "endpoint.unreachable",
  });
  const server = await serve(() => listing());
  const other = open(async () => ({ url: server.url, token: "other" }));
  await expect(other.call("list_providers", {})).rejects.toMatchObject({ code: "endpoint.unreachable" });
  const nobody = open(async () => ({ url: "http://127.0.0.1:9/mcp", token: "x" }));
  await expect(nobody.call("list_providers", {})).rejects.toThrow(/does not answer: .*(ECONNREFUSED|bad port)/);
});

test("closing ends the calls under way", async () => {
  const server = await serve(() => new Promise<Json>(() => {}));
  const endpoint = open(async () => server, { patienceMs: 20_000 });
  const call = endpoint.call("list_providers", {});
  await Promise.all([expect(call).rejects.toMatchObject({ code: "endpoint.closed" }), endpoint.close()]);
});
