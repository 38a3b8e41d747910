import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { CONTRACT, MAX_REQUEST_BYTES } from "../../lib/contract/worker.ts";
import { readConfig } from "../../worker/config.ts";
import { createWorkerServer } from "../../worker/server.ts";
import { Worker } from "../../worker/worker.ts";
import { startWorker } from "./start-worker.ts";

type Refusal = { error: { code: string; message: string } };
const hello = { contract: CONTRACT, op: "hello" };

test("a job sees its task, and none of the worker's own variables", async () => {
  await using worker = await startWorker({ [environmentVariables.workerSocket]: "" });
  const { text } = await worker.run({ command: "env" }, { depth: 2 });
  expect(text()).toContain(`${environmentVariables.taskId}=${worker.taskId}`);
  expect(text()).toContain(`${environmentVariables.depth}=2`);
  expect(text()).not.toContain(environmentVariables.workerPrefix);
});

test("what is not understood is refused clearly, and the worker stays", async () => {
  await using worker = await startWorker();
  const request = async (path: string, init: RequestInit) => {
    const response = await fetch(worker.url + path, init);
    return { status: response.status, ...((await response.json()) as Refusal) };
  };
  const post = (body: string) => request("/invocations", { method: "POST", body });
  expect(await request("/", {})).toMatchObject({ status: 404 });
  expect(await request("/ping", { method: "POST" })).toMatchObject({ status: 405 });
  expect(await request("/invocations", {})).toMatchObject({ status: 405 });
  for (const body of ["", "{", "null", "[]", '"text"', "17", "[".repeat(100_000)]) {
    expect(await post(body)).toMatchObject({ status: 400, error: { code: "input.invalid" } });
  }
  expect(await post(`{"contract":"${CONTRACT}","op":"hello","x":[${"[],".repeat(1_390_000)}[]]}`)).toMatchObject({
    status: 400,
    error: { code: "input.invalid", message: "the body holds more than 100000 values" },
  });
  const operations: [object, string][] = [
    [{ contract: "agentdispatch/2", op: "hello" }, "worker.contract_unknown"],
    [{ contract: CONTRACT }, "input.invalid"],
    [{ contract: CONTRACT, op: "format" }, "input.invalid"],
    [{ contract: CONTRACT, op: "poll", bootId: "b", taskId: "task_../../etc", after: 0 }, "input.invalid"],
    [{ contract: CONTRACT, op: "poll", bootId: "b", taskId: worker.taskId, after: -1 }, "input.invalid"],
    [{ contract: CONTRACT, op: "poll", bootId: "b".repeat(1e6), taskId: "\u0000".repeat(4e5) }, "input.invalid"],
    [{ contract: CONTRACT, op: "cancel", bootId: "b", taskId: worker.taskId, graceSeconds: "1" }, "input.invalid"],
  ];
  for (const [body, code] of operations) {
    const refusal = await post(JSON.stringify(body));
    expect(refusal).toMatchObject({ status: 200, error: { code } });
    expect(refusal.error.message.length).toBeLessThan(8000);
  }
  expect(await post(`{"contract":"${CONTRACT}","op":"hello","__proto__":{"op":"start"}}`)).toHaveProperty("bootId");
});

test("a body that is too large is refused, announced or not", async () => {
  await using worker = await startWorker();
  const body = JSON.stringify({ ...hello, padding: "x".repeat(MAX_REQUEST_BYTES) });
  const announced = await worker.post(body);
  const stream = new Blob([body]).stream();
  const chunked = await fetch(`${worker.url}/invocations`, { method: "POST", body: stream, duplex: "half" });
  for (const response of [announced, chunked]) {
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: "input.invalid" } });
  }
  const fits = await worker.post(JSON.stringify({ ...hello, padding: "x".repeat(MAX_REQUEST_BYTES - 100) }));
  expect(fits.status).toBe(200);
});

test("a body that never ends is answered and its connection closed", async () => {
  const server = createWorkerServer(new Worker(readConfig({}), {}), { bodyTimeoutMs: 100 });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1.1 408 .*did not arrive in time/s);
  server.close();
});

test("connections that break off or speak no HTTP do no harm", async () => {
  await using worker = await startWorker();
  for (const text of [
    "",
    "GET",
    "\0\0\0\0\r\n\r\n",
    "POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
  ]) {
    const socket = connect(worker.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(text);
    socket.resume().end();
    await once(socket, "close");
  }
  await worker.hello();
  expect(worker.stderr()).not.toContain("failed");
});

test("a huge or hostile start ends as a task that says what is wrong", async () => {
  await using worker = await startWorker();
  const input = JSON.parse(`{"command":"true","__proto__":{"shell":true},"constructor":{},"x${"y".repeat(1e6)}":1}`);
  await worker.start({ taskType: "command.run", input, metadata: { "\u0000": "\u001b[2J".repeat(1e5) } });
  const { reply } = await worker.finish();
  expect(reply).toMatchObject({ status: "failed", error: { code: "input.invalid" } });
  expect(reply.error?.message.length).toBeLessThan(1000);
});
