import { createHash } from "node:crypto";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_EVENT_BYTES, MAX_LOG_BYTES, MAX_LOG_CHUNK_BYTES } from "../../lib/contract/worker.ts";
import { Capture } from "../../worker/output/capture.ts";
import { EventLog } from "../../worker/output/event-log.ts";
import { OutputLog } from "../../worker/output/output-log.ts";
import { Spool } from "../../worker/output/spool.ts";
import { fixture, startWorker, type TestWorker, temporaryFolder, textOf } from "./start-worker.ts";

const residentMb = (worker: TestWorker, line: "VmRSS" | "VmHWM") => {
  const status = readFileSync(`/proc/${worker.process.pid}/status`, "utf8");
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
};

test("characters stay whole however their bytes arrive", async () => {
  await using worker = await startWorker();
  const { text } = await worker.run({ command: `${process.execPath} ${fixture("print-bytewise.mjs")}` });
  expect(text("stdout")).toBe("aé€😀z");
});

test("what is no UTF-8 is replaced, and the rest stays", async () => {
  await using worker = await startWorker();
  const { reply, text } = await worker.run({ command: "printf 'a\\377b\\303\\n\\000c'", shell: true });
  expect(text("stdout")).toBe("a\ufffdb\ufffd\n\0c");
  expect(reply.result).toMatchObject({ stdoutBytes: 7 });
});

test("streams keep their names, and an unfinished line is text too", async () => {
  await using worker = await startWorker();
  const { text } = await worker.run({ command: "printf out; printf err >&2", shell: true });
  expect([text("stdout"), text("stderr")]).toEqual(["out", "err"]);
});

test("where no pipes can be made, output comes all the same", async () => {
  await using worker = await startWorker({ PATH: "/none" });
  const { text } = await worker.run({ command: "/bin/sh -c 'echo out; echo err >&2'" });
  expect([text("stdout"), text("stderr")]).toEqual(["out\n", "err\n"]);
});

test.each([
  ["200 MB of lines", "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 200000000", 200_000_000],
  ["one line of 50 MB", "head -c 50000000 /dev/zero | tr '\\0' x", 50_000_000],
  ["50 MB of bytes that are no text", "head -c 50000000 /dev/urandom", 50_000_000],
  ["50 MB of NUL", "head -c 50000000 /dev/zero", 50_000_000],
])(
  "%s that nobody collects neither fill the memory nor are lost",
  async (_name, command, bytes) => {
    await using worker = await startWorker();
    await worker.hello();
    const before = residentMb(worker, "VmRSS");
    await worker.start({ taskType: "command.run", input: { command, shell: true } });
    const first = await worker.poll(0, 10, { maxBytes: 1 });
    expect(first.events).toHaveLength(1);
    const { reply, events } = await worker.finish();
    expect(residentMb(worker, "VmHWM") - before).toBeLessThan(64);

    expect(reply.result).toMatchObject({ exitCode: 0, stdoutBytes: bytes });
    const logged = Buffer.byteLength(textOf(events));
    expect(logged).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(logged).toBeGreaterThan(MAX_LOG_BYTES - 64 * 1024);
    expect(textOf(events)).toMatch(/the log ends here.*output\/\n$/);
    for (const event of events) {
      expect(Buffer.byteLength(event.message ?? "")).toBeLessThanOrEqual(MAX_LOG_CHUNK_BYTES);
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    }
    expect(reply.artifacts).toMatchObject([{ name: "output/stdout.log", sizeBytes: bytes }]);
  },
  30_000,
);

test("the whole output is what was printed", async () => {
  await using worker = await startWorker();
  const { reply } = await worker.run({ command: "seq 1 4000000", shell: true });
  const whole = Array.from({ length: 4_000_000 }, (_, index) => `${index + 1}\n`).join("");
  expect(reply.artifacts?.[0]).toMatchObject({ sha256: createHash("sha256").update(whole).digest("hex") });
}, 30_000);

test("100,000 lines that are collected are all in the log", async () => {
  await using worker = await startWorker();
  const { text, reply } = await worker.run({ command: "seq 1 100000" });
  expect(text("stdout")).toBe(Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(""));
  expect(reply.artifacts).toEqual([]);
});

test("a full disk ends the file, not the task", async () => {
  const folder = temporaryFolder();
  symlinkSync("/dev/full", join(folder, "stdout.log"));
  let text = "";
  const capture = new Capture(join(folder, "stdout.log"), (more) => {
    text += more;
  });
  for (const chunk of ["one ", "two"]) await capture.write(Buffer.from(chunk));
  await capture.end();
  expect([text, capture.bytes, capture.lastLine]).toEqual(["one two", 7, "one two"]);
  expect(capture.spool.problem).toBe("its file could not be written (ENOSPC)");
});

test("a file keeps so many bytes, says so, and can be freed", async () => {
  const file = join(temporaryFolder(), "stdout.log");
  const spool = new Spool(file, 5);
  for (const chunk of ["one ", "two ", "three"]) await spool.write(Buffer.from(chunk));
  await spool.end();
  expect(readFileSync(file, "utf8")).toBe("one t");
  expect([spool.isFilled, spool.problem]).toEqual([true, "only its first 5 bytes are kept"]);
  await spool.discard("the task was cancelled");
  expect([spool.isFilled, existsSync(file)]).toEqual([false, false]);
});

test("chunks are as long as they may be and split no character", () => {
  const events = new EventLog();
  const log = new OutputLog(events);
  const text = `a${"😀".repeat(20_000)}`;
  log.write("stdout", text);
  log.flush();
  const page = events.page(0, 10_000_000).events;
  expect(textOf(page)).toBe(text);
  for (const { message = "" } of page) {
    expect(message.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_LOG_CHUNK_BYTES);
  }
  expect(page.length).toBe(Math.ceil(80_001 / MAX_LOG_CHUNK_BYTES));
});

test("events that nobody collects become fewer, not more", async () => {
  const events = new EventLog();
  const log = new OutputLog(events);
  for (let line = 0; line < 100_000; line++) log.write(line % 2 === 0 ? "stdout" : "stderr", ".");
  log.flush();
  expect(events.unacknowledged).toBeLessThan(1000);
  expect(textOf(events.page(0, 10_000_000).events)).toHaveLength(100_000);
});
