/** The history of an execution, as Step Functions counts it, of tasks of every length, on virtual time. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

/** Step Functions ends an execution at 25,000: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MOST_EVENTS = 20_000;

type Line = { name: string; statuses: string[]; broken: string[]; most: number };

it("stays under 20,000 events up to 7.5 hours", { timeout: 900_000 }, async () => {
  const cwd = resolve(import.meta.dirname, "../..");
  const { stdout } = await promisify(execFile)(process.execPath, ["test/faults/history-process.ts"], { cwd });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  expect(lines.map(({ name }) => name)).toHaveLength(7);
  for (const { name, statuses, broken, most } of lines) {
    expect({ name, broken }).toEqual({ name, broken: [] });
    expect({ name, others: statuses.filter((status) => status !== "succeeded") }).toEqual({ name, others: [] });
    expect(most, name).toBeGreaterThan(20);
    expect(most, name).toBeLessThan(MOST_EVENTS);
  }
});
