/** A hundred of the seeded runs that `npm run test:faults` makes a thousand of, in processes whose clocks are their own. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

// A bound on the time would be one on the machine.
it("a hundred runs keep every promise", { timeout: 0 }, async () => {
  const told = await promisify(execFile)(process.execPath, ["test/faults/main.ts", "--runs", "100"], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
  expect(told).toContain('"runs":100,"broken":[]');
});
