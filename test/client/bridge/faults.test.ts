import { expect, test } from "vitest";
import { faultsOf } from "./fault-run.ts";

test("whatever the network does, every request is answered once, and no dispatch makes two tasks", async () => {
  expect(await faultsOf(1, 10)).toEqual([]);
});
