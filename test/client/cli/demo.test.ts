import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { makeFolder, removeFolder } from "./cli.ts";
import { endAllOf, processesOf } from "./left-behind.ts";

const demo = fileURLToPath(new URL("../../../bin/demo.ts", import.meta.url));

test("the demonstration shows what it promises, and leaves no state behind", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [demo]).catch((error) => error);
  expect(stdout).toContain("✔ all of it was as it should be");
  expect(stdout).toMatch(/^3 .*failed/m);
  expect(stdout).toMatch(/^4 .*cancelled/m);
  const report = /\S+report\.md$/m.exec(stdout)?.[0] ?? "";
  expect(existsSync(report)).toBe(true);
  expect(stdout).not.toContain("The state is in");
  await rm(dirname(report), { recursive: true });
});

test("a demonstration that is interrupted leaves no worker behind", async () => {
  const folder = await makeFolder();
  onTestFinished(async () => {
    endAllOf(folder);
    await removeFolder(folder);
  });
  const child = spawn(process.execPath, [demo], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  for await (const chunk of child.stdout) if (String(chunk).includes("step 1")) child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(processesOf(folder)).toEqual([]);
});
