import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { placeBridge } from "../../package/placed.ts";
import { BridgeProcess } from "./bridge-process.ts";
import { type Behaviour, event, json, openScripted, stream } from "./scripted-endpoint.ts";

const MB = 1024 * 1024;
const IDLE_MB = 60;
const LOAD_MB = 120;

let folder: string;
let entry: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dispatch-bridge-"));
  entry = await placeBridge(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(behaviours: Record<string, Behaviour>) {
  const endpoint = await openScripted(behaviours, onTestFinished);
  const words = ["bridge", "--endpoint", endpoint.url, "--region", "us-west-2"];
  return { endpoint, bridge: new BridgeProcess(words, { entry, env: { XDG_CACHE_HOME: folder } }) };
}

/** The most memory that the bridge has had, in MB. */
const peak = ({ child }: BridgeProcess): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;

const replacedAt = (answer: Buffer, at: number, text: string): Buffer => {
  const changed = Buffer.from(answer);
  changed.write(text, at, "latin1");
  return changed;
};

const large: Behaviour = ({ message }, response) =>
  json(response, { jsonrpc: "2.0", id: message.id, result: { of: message.id, text: "x".repeat(10 * MB) } });
const largeEvent: Behaviour = ({ message }, response) =>
  void stream(response).end(event({ jsonrpc: "2.0", id: message.id, result: { text: "y".repeat(10 * MB) } }));

test("it is small when nothing happens", async () => {
  const { bridge } = await start({});
  await bridge.ask(1, "ping");
  expect(bridge.rss()).toBeLessThan(IDLE_MB);
});

test("a hundred calls at once get their own answers", async () => {
  const { bridge, endpoint } = await start({
    async "tools/call"({ message }, response) {
      // The later it came the sooner it is answered.
      await sleep(200 - Number(message.id));
      json(response, { jsonrpc: "2.0", id: message.id, result: { of: message.params, text: "z".repeat(50_000) } });
    },
  });
  const ids = Array.from({ length: 100 }, (_, id) => id);
  for (const id of ids)
    bridge.send({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "list_tasks", n: `n${id}` } });
  const answers = await Promise.all(ids.map((id) => bridge.answer(id)));
  expect(answers.map(({ result }) => (result as { of: { n: string } }).of.n)).toEqual(ids.map((id) => `n${id}`));
  expect(bridge.messages).toHaveLength(100);
  expect(endpoint.received).toHaveLength(100);
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
});

test("answers of 10 MB arrive whole, several at once, as JSON and in a stream", async () => {
  const { bridge } = await start({ large, largeEvent });
  const ids = Array.from({ length: 12 }, (_, id) => id);
  for (const id of ids) bridge.send({ jsonrpc: "2.0", id, method: id % 2 ? "large" : "largeEvent" });
  await Promise.all(ids.map((id) => bridge.answer(id)));
  for (const { result } of bridge.messages) expect((result as { text: string }).text).toHaveLength(10 * MB);
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
});

test.each<[string, (answer: Buffer) => Buffer]>([
  ["a bracket of the other kind", (answer) => replacedAt(answer, answer.length - 2, "]")],
  ["a byte that is not UTF-8", (answer) => replacedAt(answer, 5 * MB, "\xff")],
  ["a control character", (answer) => replacedAt(answer, 5 * MB, "\u0001")],
  ["an escape that is none", (answer) => replacedAt(answer, 5 * MB, "\\q")],
  ["a comma too many", (answer) => replacedAt(answer, answer.lastIndexOf(" "), ",")],
  ["no end", (answer) => answer.subarray(0, -1)],
])("an answer of 10 MB with %s is refused by name, and the next one comes", async (_, damage) => {
  const { bridge } = await start({
    damaged: ({ message }, response) =>
      void response
        .writeHead(200, { "content-type": "application/json" })
        .end(
          damage(
            Buffer.from(`{"jsonrpc":"2.0","id":${message.id},"result":{"text":"${"x".repeat(10 * MB)}","n":[1 ]}}`),
          ),
        ),
    large,
  });
  const { error } = await bridge.ask(1, "damaged");
  expect(error).toMatchObject({ data: { code: "endpoint.failed" } });
  expect(await bridge.ask(2, "large")).toMatchObject({ result: { of: 2 } });
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
});

test("a message that is longer than any may be is refused by name", async () => {
  const tooLong: Behaviour = ({ message }, response) =>
    json(response, { jsonrpc: "2.0", id: message.id, result: { text: "x".repeat(17 * MB) } });
  const { bridge } = await start({ tooLong });
  const { error } = await bridge.ask(1, "tooLong");
  expect(error).toMatchObject({ data: { code: "endpoint.failed" }, message: expect.stringContaining("16777216") });
  await bridge.ask(2, "ping");
});

test("a client that does not read costs no memory, and loses nothing", async () => {
  let sent = 0;
  const flood: Behaviour = async ({ message, request }, response) => {
    stream(response);
    const params = { progressToken: message.id, message: "p".repeat(10_000) };
    const note = event({ jsonrpc: "2.0", method: "notifications/progress", params });
    for (let n = 0; n < 2000 && !request.socket.destroyed; n++) {
      sent += 1;
      if (!response.write(note)) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end(event({ jsonrpc: "2.0", id: message.id, result: {} }));
  };
  const { bridge } = await start({ flood, large });
  bridge.child.stdout?.pause();
  const ids = Array.from({ length: 30 }, (_, id) => id);
  for (const id of ids) bridge.send({ jsonrpc: "2.0", id, method: id % 3 ? "large" : "flood" });
  // Until nothing more comes from the endpoint.
  for (let before = -1; before !== sent; await sleep(500)) before = sent;
  expect(sent).toBeLessThan(20_000);
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
  bridge.child.stdout?.resume();
  await Promise.all(ids.map((id) => bridge.answer(id)));
  expect(bridge.messages).toHaveLength(10 * 2000 + 30);
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
});

test("a client that sends more than is answered is read no further", async () => {
  const release = Promise.withResolvers<void>();
  const { bridge, endpoint } = await start({
    async slow({ message }, response) {
      await release.promise;
      json(response, { jsonrpc: "2.0", id: message.id, result: {} });
    },
  });
  const ids = Array.from({ length: 40 }, (_, id) => id);
  for (const id of ids) bridge.send({ jsonrpc: "2.0", id, method: "slow", params: "q".repeat(3 * MB) });
  for (let before = -1; before !== endpoint.received.length; await sleep(500)) before = endpoint.received.length;
  expect(endpoint.received.length).toBeLessThan(10);
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
  release.resolve();
  await Promise.all(ids.map((id) => bridge.answer(id)));
  expect(peak(bridge)).toBeLessThan(LOAD_MB);
});
