/** Whether the first 150 seeds see it when the engine is broken, in each of the ways of `mutations.ts`. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { mutations } from "./mutations.ts";

const root = resolve(import.meta.dirname, "../..");
const seeds = [
  "--import",
  "./test/faults/mutating-process.ts",
  "test/faults/main.ts",
  "--runs",
  "150",
  "--until-broken",
];

const outcomeOf = (mutation: string) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, FAULTS_MUTATION: mutation };
    execFile(process.execPath, seeds, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

// A bound on the time would be one on the machine.
it.each(Object.keys(mutations))("that %s is seen", { timeout: 0 }, async (mutation) => {
  const { code, stdout, stderr } = await outcomeOf(mutation);
  expect(stdout + stderr).toMatch(/BROKEN|without any fault/);
  expect(code).toBe(1);
});
