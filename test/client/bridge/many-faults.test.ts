import { expect, test } from "vitest";
import { faultsOf } from "./fault-run.ts";

test("two hundred networks lose no answer and make no task twice", { timeout: 30 * 60_000 }, async () => {
  expect(await faultsOf(1001, 200)).toEqual([]);
});
