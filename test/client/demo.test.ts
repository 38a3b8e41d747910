import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the demonstration shows what it promises, and leaves no state behind", { timeout: 60_000 }, async () => {
  const demo = fileURLToPath(new URL("../../bin/demo.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [demo]).catch((error) => error);
  expect(stdout).toContain("✔ all of it was as it should be");
  expect(stdout).toMatch(/^3 .*failed/m);
  expect(stdout).toMatch(/^4 .*cancelled/m);
  const report = /\S+report\.md$/m.exec(stdout)?.[0] ?? "";
  expect(existsSync(report)).toBe(true);
  expect(stdout).not.toContain("The state is in");
  await rm(dirname(report), { recursive: true });
});
