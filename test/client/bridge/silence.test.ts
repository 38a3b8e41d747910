import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { BridgeProcess } from "./bridge-process.ts";
import { type Behaviour, event, openScripted, stream } from "./scripted-endpoint.ts";

const SILENCE_MS = 1000;

async function start(behaviours: Record<string, Behaviour>, seconds = String(SILENCE_MS / 1000)) {
  const endpoint = await openScripted(behaviours, onTestFinished);
  const env = { AGENTDISPATCH_SILENCE_SECONDS: seconds };
  return { endpoint, bridge: new BridgeProcess(["--endpoint", endpoint.url, "--region", "us-west-2"], { env }) };
}

const note = { jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } };
const silences: [string, Behaviour][] = [
  ["before its answer begins", () => {}],
  ["in the middle of its answer", (_, response) => void stream(response).write(event(note))],
];

test.each(silences)("an endpoint that falls silent %s is given up, and not asked again", async (_, silent) => {
  const { bridge, endpoint } = await start({ "tools/call": silent });
  const { error } = await bridge.ask(1, "tools/call", { name: "wait_for_task", arguments: {} });
  expect(error).toMatchObject({
    data: { code: "endpoint.unreachable", retryable: true, message: expect.stringContaining("does not answer") },
  });
  expect(endpoint.received).toHaveLength(1);
});

test.each(silences)("a dispatch whose endpoint falls silent %s names its key", async (_, silent) => {
  const { bridge, endpoint } = await start({ "tools/call": silent });
  const { error } = await bridge.ask(1, "tools/call", { name: "dispatch_task", arguments: {} });
  const sent = endpoint.received[0]?.message.params as { arguments: Record<string, string> };
  const { idempotency_key: idempotencyKey } = sent.arguments;
  expect(error).toMatchObject({ data: { code: "endpoint.answer_lost", details: { idempotencyKey } } });
  expect(endpoint.received).toHaveLength(1);
});

const long = JSON.stringify({ text: "x".repeat(14_000_000) });

test("an answer that goes on with anything at all is waited for, and so is a client that does not read", async () => {
  const { bridge } = await start({
    async slow({ message }, response) {
      stream(response);
      for (let beat = 0; beat < 6; beat++) {
        response.write(": still here\n\n");
        await sleep(SILENCE_MS / 3);
      }
      response.end(event({ jsonrpc: "2.0", id: message.id, result: { slow: true } }));
    },
    long: ({ message }, response) =>
      void response
        .writeHead(200, { "content-type": "application/json" })
        .end(`{"jsonrpc":"2.0","id":${message.id},"result":${long}}`),
  });
  expect(await bridge.ask(1, "slow")).toMatchObject({ result: { slow: true } });
  bridge.child.stdout?.pause();
  for (const id of [2, 3, 4]) bridge.send({ jsonrpc: "2.0", id, method: "long" });
  await sleep(3 * SILENCE_MS);
  bridge.child.stdout?.resume();
  for (const id of [2, 3, 4]) expect(await bridge.answer(id)).toHaveProperty("result");
});

test("a limit that is none is said so by its name", async () => {
  const { bridge } = await start({}, "soon");
  const { error } = await bridge.ask(1, "ping");
  expect(error).toMatchObject({
    data: { code: "input.invalid", message: expect.stringContaining("AGENTDISPATCH_SILENCE_SECONDS") },
  });
});
