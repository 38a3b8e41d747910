import { expect, it } from "vitest";
import { AwakeTimer } from "../../worker/awake-timer.ts";

/** Resolves with how often it was called so far, once the process had a moment. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 20));

it("does not count the time for which the machine slept, and counts all other", async () => {
  let steadyMs = 0;
  let expired = 0;
  const timer = new AwakeTimer(
    30,
    () => expired++,
    () => steadyMs,
  );
  const pass = (ms: number) => {
    steadyMs += ms;
    return timer.elapsedSeconds;
  };
  expect(pass(9000)).toBe(9);
  const hour = pass(3_600_000);
  expect(hour).toBeLessThan(20);
  await moment();
  expect(expired).toBe(0);
  expect(pass(5000)).toBe(hour + 5);
  timer.clear();
});

it("expires after the time for which the machine was awake", async () => {
  await new Promise<void>((resolve) => new AwakeTimer(0.05, resolve));
});

it("expires at once when what is left has passed, and never once it was cleared", async () => {
  let expired = 0;
  new AwakeTimer(0.02, () => expired++).clear();
  const running = new AwakeTimer(0.02, () => expired++);
  await expect.poll(() => expired).toBe(1);
  await moment();
  expect(expired).toBe(1);
  expect(running.elapsedSeconds).toBeGreaterThanOrEqual(0.02);
});
