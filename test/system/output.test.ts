import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import { MAX_LOG_BYTES } from "../../lib/contract/worker.ts";
import { startSystem, temporaryFolder } from "./system.ts";
import { watchWorkers } from "./worker-memory.ts";

const printLines = join(import.meta.dirname, "../fixtures/print-lines.mjs");

/** Runs a command to its end and watches what it takes. */
async function run(command: string) {
  const stateDir = temporaryFolder();
  const { client } = await startSystem(stateDir);
  using workers = await watchWorkers(stateDir);
  const id = await client.command({ command, shell: true });
  const record = await client.ended(id);
  const { artifacts } = (await client.must("get_task_result", { task_id: id })) as { artifacts: Json[] };
  const files = artifacts.map(({ uri }) => new URL(uri as string));
  return {
    record,
    files,
    /** The whole of it, which takes hundreds of replies. */
    log: () => client.log(id),
    logEnd: async (length: number) => {
      const cursor = (record.logLength as number) - length;
      return (await client.must("get_task_logs", { task_id: id, cursor })).data as string;
    },
    growthMb: workers.growth(),
  };
}

async function sha256(file: URL): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** The sha256 of a text that repeats a unit, which is hashed a thousand at a time. */
const repeated = (unit: string, times: number) => {
  const hash = createHash("sha256");
  const thousand = Buffer.from(unit.repeat(1000));
  for (let left = times; left > 0; left -= 1000)
    hash.update(thousand.subarray(0, Math.min(left, 1000) * Buffer.byteLength(unit)));
  return hash.digest("hex");
};

describe("a job that prints more than its log can hold", () => {
  it.each([
    [
      "200 MB of lines",
      "head -c 200000000 /dev/zero | tr '\\0' x | fold -w 99 | head -c 200000000",
      200_000_000,
      `${"x".repeat(99)}\n`,
    ],
    ["a line of 50 MB", "head -c 50000000 /dev/zero | tr '\\0' x", 50_000_000, "x".repeat(100)],
  ])(
    "%s: the beginning is in the log, the whole is an artifact, the worker stays small",
    async (_name, command, bytes, unit) => {
      const { record, files, logEnd, growthMb } = await run(command);
      const result = { exitCode: 0, stdoutBytes: bytes };
      expect(record).toMatchObject({ status: "succeeded", result, logTruncated: true });
      expect(record.logLength).toBeLessThanOrEqual(MAX_LOG_BYTES);
      expect(record.logLength).toBeGreaterThan(MAX_LOG_BYTES - 64 * 1024);
      expect(await logEnd(1000)).toMatch(/x\n?\[worker\] the log ends here.*\n$/);
      expect(files.map((file) => statSync(file).size)).toEqual([bytes]);
      expect(await sha256(files[0] as URL)).toBe(repeated(unit, bytes / unit.length));
      expect(growthMb).toBeLessThan(64);
    },
  );

  it("bytes that are no text are kept as they are, and harm nobody", async () => {
    const { record, files, growthMb, ...job } = await run(
      "exec bash -c 'head -c 30000000 /dev/urandom | tee >(sha256sum >&2)'",
    );
    expect(record).toMatchObject({ status: "succeeded", result: { exitCode: 0, stdoutBytes: 30_000_000 } });
    const log = await job.log();
    expect(Buffer.byteLength(log)).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(log).toContain("\ufffd");
    const stdout = files.find((file) => statSync(file).size === 30_000_000) as URL;
    const stderr = files.find((file) => file !== stdout) as URL;
    expect(readFileSync(stderr, "utf8")).toContain(await sha256(stdout));
    expect(growthMb).toBeLessThan(64);
  });
});

describe("a job that prints 100,000 lines a second for ten seconds", () => {
  it("has every one of them in its log, in order", async () => {
    const { record, files, ...job } = await run(`exec '${process.execPath}' '${printLines}' 100000 10`);
    expect(record).toMatchObject({ status: "succeeded", result: { stdoutBytes: 10_000_000 } });
    expect(files).toEqual([]);
    const log = await job.log();
    const expected = Array.from({ length: 1_000_000 }, (_, index) => `${String(index).padStart(9, "0")}\n`).join("");
    expect(log.length).toBe(expected.length);
    expect(log === expected).toBe(true);
    expect((record.result as { durationMs: number }).durationMs).toBeLessThan(15_000);
  });
});
