/** What a turn of a conversation packs, fetches and unpacks, and what it refuses. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { sweepConversations } from "../../lib/backends/local-process/conversations.ts";
import { MAX_STATE_BYTES } from "../../lib/contract/worker.ts";
import { pack, unpack } from "../../worker/conversation/archive.ts";
import { fetchState } from "../../worker/conversation/fetch-state.ts";
import { temporaryFolder } from "./start-worker.ts";

const nobody = () => {
  throw new Error("nothing is left out");
};
const of = { framework: "mine", session: "s-1" };

/** Files by name, as a framework has them. */
function filesIn(folder: string, contents: Record<string, string | Buffer>) {
  return Object.entries(contents).map(([name, content], i) => {
    const path = join(folder, `file-${i}`);
    writeFileSync(path, content);
    return { path, name };
  });
}

const archived = (header: object, rest = "") =>
  gzipSync(`${JSON.stringify({ version: 1, ...of, ...header })}\n${rest}`);

describe("an archive", () => {
  test("gives back what it was made of, whatever that is", async () => {
    const folder = temporaryFolder();
    const contents = {
      "empty.txt": "",
      "deep/down/lines.jsonl": '{"a":1}\n'.repeat(50_000),
      "über 😀.bin": Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)),
    };
    const archive = await pack(join(folder, "archive"), of, filesIn(folder, contents), nobody);
    expect(archive?.sha256).toBe(
      createHash("sha256")
        .update(readFileSync(join(folder, "archive")))
        .digest("hex"),
    );
    const out = join(folder, "out");
    const { files, ...packed } = await unpack(join(folder, "archive"), out);
    expect(packed).toEqual(of);
    expect(files.map(({ name }) => name)).toEqual(Object.keys(contents));
    for (const { path, name } of files)
      expect(readFileSync(path).equals(Buffer.from(contents[name as keyof typeof contents])), name).toBe(true);
  });

  test("leaves out what is too large, and what is called otherwise than it may be", async () => {
    const folder = temporaryFolder();
    const large = Buffer.alloc(MAX_STATE_BYTES);
    const left: string[] = [];
    const files = filesIn(folder, { small: "x", large, "../up": "x", last: "y" });
    await pack(join(folder, "archive"), of, files, (name) => left.push(name));
    expect(left).toEqual(["large", "../up"]);
    const { files: kept } = await unpack(join(folder, "archive"), join(folder, "out"));
    expect(kept.map(({ name }) => name)).toEqual(["small", "last"]);
    expect(await pack(join(folder, "none"), of, [], nobody)).toBeUndefined();
  });

  test.each([
    ["no archive", Buffer.from("something else")],
    ["no header", gzipSync("something else\n")],
    ["a header without end", gzipSync("x".repeat(3_000_000))],
    ["an absolute name", archived({ files: [{ name: "/tmp/x", sizeBytes: 1 }] }, "x")],
    ["a name that leads elsewhere", archived({ files: [{ name: "a/../../x", sizeBytes: 1 }] }, "x")],
    ["two files of one name", archived({ files: Array(2).fill({ name: "x", sizeBytes: 1 }) }, "xx")],
    ["less than it says", archived({ files: [{ name: "x", sizeBytes: 10 }] }, "x")],
    ["more than it may", archived({ files: [{ name: "x", sizeBytes: MAX_STATE_BYTES + 1 }] })],
    ["half of one", archived({ files: [{ name: "x", sizeBytes: 100_000 }] }, "xyz".repeat(50_000)).subarray(0, 60)],
  ])("is refused when it is %s, and nothing is written elsewhere", async (_, content) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "archive"), content);
    mkdirSync(join(folder, "in"));
    await expect(unpack(join(folder, "archive"), join(folder, "in", "out"))).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(["archive", "in"]);
    expect(existsSync("/tmp/x")).toBe(false);
  });
});

describe("what the last turn left", () => {
  const content = Buffer.from("what was kept");
  const sha256 = createHash("sha256").update(content).digest("hex");

  /** A store that answers each request with the next of these, and with the last from then on. */
  async function open(...answers: { status?: number; body?: Buffer | string }[]) {
    let asked = 0;
    const server = createServer((_, response) => {
      const { status = 200, body = content } = answers[Math.min(asked++, answers.length - 1)] ?? {};
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const state = { url: `http://127.0.0.1:${port}/secret`, headers: {}, sizeBytes: content.length, sha256 };
    return { state, path: join(temporaryFolder(), "state"), asked: () => asked };
  }

  test("is fetched, after a failure that passes too", async () => {
    const { state, path, asked } = await open({ status: 503 }, {});
    await fetchState(state, path);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(asked()).toBe(2);
  });

  test.each([
    ["gone", { status: 404 }],
    ["forbidden", { status: 403 }],
    ["longer", { body: `${content}, and more` }],
    ["shorter", { body: "what" }],
    ["another", { body: "x".repeat(content.length) }],
  ])("is refused at once when it is %s, without a word of its address", async (_, answer) => {
    const { state, path, asked } = await open(answer);
    const failure = await fetchState(state, path).catch((error) => error);
    expect(failure).toMatchObject({ code: "worker.conversation_lost", hint: expect.stringContaining("conversation") });
    expect(JSON.stringify(failure.problem)).not.toContain("secret");
    expect(asked()).toBe(1);
  });

  test("is not asked for where it is too much", async () => {
    const { state, path, asked } = await open({});
    const sizeBytes = 2 * MAX_STATE_BYTES;
    await expect(fetchState({ ...state, sizeBytes }, path)).rejects.toMatchObject({ code: "worker.conversation_lost" });
    expect(asked()).toBe(0);
  });
});

test("a machine forgets what no turn has used for longer than tasks are kept", async () => {
  const [stateDir, home] = [temporaryFolder(), temporaryFolder()];
  const now = Date.now();
  const make = (folder: string, name: string, days: number) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), "{}");
    utimesSync(join(folder, name), new Date(now), new Date(now - days * 86_400_000));
  };
  const [old, young] = [`conv_${"0".repeat(32)}`, `conv_${"1".repeat(32)}`];
  const kept = join(stateDir, "conversations");
  for (const name of [old, young, "not-ours"]) make(join(kept, name), "mark.json", 0);
  for (const name of [old, "not-ours"]) utimesSync(join(kept, name), new Date(now), new Date(now - 9 * 86_400_000));
  const gemini = join(home, ".gemini/tmp/agentdispatch/chats");
  const opencode = join(home, ".local/share/opencode/agentdispatch");
  const [before, recent] = [`task_${"0".repeat(32)}`, `task_${"1".repeat(32)}`];
  for (const [name, days] of [
    ["session-1.jsonl", 9],
    ["session-2.jsonl", 7],
    ["notes.md", 9],
  ] as const)
    make(gemini, name, days);
  for (const end of [".db", ".db-wal"]) make(opencode, before + end, 9);
  make(opencode, `${recent}.db`, 9);
  make(opencode, `${recent}.db-wal`, 7);
  await sweepConversations(stateDir, { retentionDays: 7, nowMs: now, env: { HOME: home } });
  expect(readdirSync(kept).sort()).toEqual([young, "not-ours"]);
  expect(readdirSync(gemini).sort()).toEqual(["notes.md", "session-2.jsonl"]);
  expect(readdirSync(opencode).sort()).toEqual([`${recent}.db`, `${recent}.db-wal`]);
});
