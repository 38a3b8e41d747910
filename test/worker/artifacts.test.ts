import { createHash } from "node:crypto";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { type UploadReply, uploadReplySchema } from "../../lib/contract/worker.ts";
import { startWorker, type TestWorker, temporaryFolder } from "./start-worker.ts";

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
const shell = (command: string) => ({ command: `cd "$AGENTDISPATCH_ARTIFACTS_DIR"; ${command}`, shell: true });

test.concurrent("files that a task leaves are listed; nothing else is", async () => {
  await using worker = await startWorker();
  const { reply } = await worker.run(
    shell(`mkdir -p a/b empty; printf one > one.json; printf two > 'a/b/tw o.md'; : > zero
           ln -s /etc/passwd link; ln -s /etc folder; mkfifo pipe; printf x > .hidden`),
  );
  expect(reply.status).toBe("succeeded");
  expect(reply.artifacts?.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
    [".hidden", 1],
    ["a/b/tw o.md", 3],
    ["one.json", 3],
    ["zero", 0],
  ]);
  expect(reply.artifacts?.[2]).toEqual({
    id: sha256("one.json").slice(0, 24),
    name: "one.json",
    sizeBytes: 3,
    sha256: sha256("one"),
    contentType: "application/json",
  });
});

test.concurrent("more than a thousand are cut, and the log says so", async () => {
  await using worker = await startWorker();
  const { reply, text } = await worker.run(shell("seq 1 1005 | xargs touch"));
  expect(reply.artifacts).toHaveLength(1000);
  expect(text()).toContain("left out: 999 (more than 1000 files)");
  expect(reply.artifactsLeftOut).toMatchObject({ count: 5, limit: 1000, files: { length: 5 } });
});

test.concurrent("a task may remove or replace the folder", async () => {
  await using gone = await startWorker();
  const { reply } = await gone.run(shell('rm -rf "$AGENTDISPATCH_ARTIFACTS_DIR"'));
  expect(reply).toMatchObject({ status: "succeeded", artifacts: [] });
  await using link = await startWorker();
  const linked = await link.run(
    shell('rm -rf "$AGENTDISPATCH_ARTIFACTS_DIR"; ln -s /etc "$AGENTDISPATCH_ARTIFACTS_DIR"'),
  );
  expect(linked.reply).toMatchObject({ status: "succeeded", artifacts: [] });
  expect(linked.text()).toContain("not a folder any more");
});

/** A store that answers each path with the statuses given, in turn; `cut` breaks the connection off. */
async function startStore(answers: Record<string, (number | "cut")[]>) {
  const stored = new Map<string, { body: Buffer; headers: NodeJS.Dict<string | string[]> }>();
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    requests.push(path);
    const answer = answers[path]?.shift() ?? 200;
    if (answer === "cut") {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (answer === 200) stored.set(path, { body: Buffer.concat(chunks), headers: request.headers });
    response.writeHead(answer).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}?signature=s3cret`;
  return { stored, requests, url, [Symbol.dispose]: () => server.close().closeAllConnections() };
}

async function upload(worker: TestWorker, targets: object[]): Promise<UploadReply["artifacts"]> {
  return uploadReplySchema.parse(await worker.call("upload", { taskId: worker.taskId, targets })).artifacts;
}

test.concurrent("artifacts are sent, retried where that can help, and never half", async () => {
  using store = await startStore({ "/b": [500, 503, 200], "/c": [403], "/d": ["cut", 200] });
  await using worker = await startWorker();
  const { reply } = await worker.run(
    shell(
      "printf A > a; printf BB > b; printf C > c; printf D > d; : > e; head -c 3000000 /dev/zero > f; printf G > g",
    ),
  );
  const idOf = (name: string) => reply.artifacts?.find((each) => each.name === name)?.id ?? "";
  const target = (name: string) => ({ id: idOf(name), url: store.url(`/${name}`), headers: { "x-test": name } });
  const targets = ["a", "b", "c", "d", "e", "f"].map(target);
  const unknown = { ...target("a"), id: "unknown" };

  let states = await upload(worker, [...targets, unknown]);
  while (states.some(({ state }) => state === "pending")) states = await upload(worker, [...targets, unknown]);
  expect(states.map(({ state }) => state)).toEqual(["stored", "stored", "lost", "stored", "stored", "stored", "lost"]);
  expect(states[2]).toMatchObject({ reason: "the store answered 403" });
  expect(JSON.stringify(states)).not.toContain("s3cret");

  expect(store.stored.get("/b")).toMatchObject({
    body: Buffer.from("BB"),
    headers: { "content-length": "2", "x-test": "b" },
  });
  expect(store.stored.get("/e")).toMatchObject({ headers: { "content-length": "0" } });
  expect(store.stored.get("/f")?.body.equals(Buffer.alloc(3_000_000))).toBe(true);
  expect(store.stored.get("/f")?.headers["transfer-encoding"]).toBeUndefined();

  const count = store.requests.length;
  expect(await upload(worker, targets)).toEqual(states.slice(0, 6));
  expect(store.requests).toHaveLength(count);
});

test.concurrent("a store that is not there keeps the artifact waiting, with the reason, until it is back", async () => {
  using store = await startStore({});
  await using worker = await startWorker();
  const { reply } = await worker.run(shell("printf A > a"));
  const targets = [{ id: reply.artifacts?.[0]?.id, url: "http://127.0.0.1:1/a?signature=s3cret", headers: {} }];
  let states = await upload(worker, targets);
  while (states[0]?.reason === undefined) states = await upload(worker, targets);
  expect(states).toMatchObject([{ state: "pending", reason: expect.stringContaining("could not be reached") }]);
  const back = targets.map((target) => ({ ...target, url: store.url("/a") }));
  expect(await upload(worker, back)).toEqual([{ id: targets[0]?.id, state: "stored" }]);
}, 15_000);

test.concurrent("a file that changed after it was listed is lost", async () => {
  using store = await startStore({});
  await using worker = await startWorker({
    AGENTDISPATCH_ARTIFACTS_DIR: temporaryFolder(),
  });
  const { reply, text } = await worker.run(shell("printf A > a; printf B > b; pwd"));
  writeFileSync(`${text().trim()}/a`, "AAA");
  rmSync(`${text().trim()}/b`);
  const targets = reply.artifacts?.map(({ id, name }) => ({ id, url: store.url(`/${name}`), headers: {} })) ?? [];
  expect(await upload(worker, targets)).toMatchObject([{ state: "lost" }, { state: "lost" }]);
  expect(store.requests).toEqual([]);
});

test.concurrent("artifacts of a running task cannot be asked for", async () => {
  await using worker = await startWorker();
  await worker.start({ taskType: "command.run", input: { command: "sleep 60" } });
  expect(await worker.call("upload", { taskId: worker.taskId, targets: [] })).toMatchObject({
    error: { code: "worker.task_running" },
  });
});
