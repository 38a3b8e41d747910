/** That a seed reproduces a run. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const cwd = resolve(import.meta.dirname, "../..");

async function lastOf(seed: number, count: number): Promise<string | undefined> {
  const words = ["test/faults/main.ts", "--seed", String(seed), "--runs", String(count), "--processes", "1"];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd, maxBuffer: 64 * 1024 * 1024 });
  return /"last":"(\w+)"/.exec(stdout)?.[1];
}

it("the same seed gives the same run, whatever ran before it", { timeout: 0 }, async () => {
  const [alone, afterAnother] = await Promise.all([lastOf(60, 1), lastOf(59, 2)]);
  expect(alone).toMatch(/^\w{64}$/);
  expect(afterAnother).toBe(alone);
});
