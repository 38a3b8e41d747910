import { expect, it } from "vitest";
import { storm } from "../storms/storm.ts";

// Every kind of fault is among these eleven. Longer storms, with any seed: npm run test:storms
it("keeps its promises while one fault after the other strikes it", { timeout: 400_000 }, async ({ skip }) => {
  if (process.platform !== "linux") skip("the processes of a storm are found in /proc");
  const { broken, ends } = await storm({ seed: 803, jobs: 8, faults: 11 });
  expect(broken).toEqual([]);
  expect(ends.succeeded).toBeGreaterThan(0);
});
