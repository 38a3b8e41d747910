/** A thousand children of one task: what each costs does not depend on how many there are. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parallelAnswer } from "../../../lib/contract/orchestration/answers.ts";
import { readLargeValue } from "../../../lib/engine/large-values.ts";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";
import { toStored } from "../../../lib/store/stored-task.ts";
import { countedStore } from "../../fixtures/counted-store.ts";
import { nothing, systemsOn } from "./system.ts";

const open = systemsOn("SQLite");
const KB = 1024;

type Seen = { perChild: number; largestKb: number; heapKbPerChild: number; msPerChild: number };

/** Runs so many, twenty at once, each with an instruction of 400 characters. */
async function run(count: number): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-test-"));
  let calls: Record<string, number> = {};
  let largest = 0;
  await using system = await open({
    limits: { maxRunning: 20 },
    durationMs: () => 1000,
    endOf: ({ position }) => ({ result: { output: `${position} ${"x".repeat(2000)}` }, usage: { costUsd: 0.01 } }),
    openStore: ({ now }) => {
      const opened = openTaskStore(folder, { now });
      const counted = countedStore(opened);
      calls = counted.calls;
      return counted.store as typeof opened;
    },
    wrap: (state, step) => async (ports, input) => {
      const parent = state === "Start" ? (await ports.store.get(input.id))?.parent : undefined;
      const task = parent === undefined ? undefined : await ports.store.get(parent);
      if (task) largest = Math.max(largest, JSON.stringify(toStored(task)).length);
      return step(ports, input);
    },
  });
  const items = Array.from({ length: count }, (_, i) => ({ instruction: `job ${i} ${"y".repeat(400)}` }));
  const [before, startedAt] = [heapUsed(), performance.now()];
  const id = await system.parallel({ items, max_parallel: 20 });
  const task = await system.settled(id);
  const ms = performance.now() - startedAt;
  expect(task).toMatchObject({ status: "succeeded", progress: { message: `${count} of ${count} done` } });
  expect(task.usage?.costUsd).toBeCloseTo(count / 100);
  const result = task.resultRef ? await readLargeValue(system.ports, task.resultRef) : task.result;
  const { individual_results } = parallelAnswer.parse(result);
  expect(
    individual_results.map(({ success, result = "", summary = result }) => success && summary.split(" ")[0]),
  ).toEqual(items.map((_, i) => String(i)));
  expect(new Set(system.backend.started).size).toBe(count);
  expect(system.backend.started).toHaveLength(count);
  await expect.poll(() => system.left()).toEqual(nothing);
  const made = Object.values(calls).reduce((sum, number) => sum + number, 0);
  const heap = heapUsed() - before;
  rmSync(folder, { recursive: true, force: true });
  return { perChild: made / count, largestKb: largest / KB, heapKbPerChild: heap / KB / count, msPerChild: ms / count };
}

it("takes as many requests for each of a thousand as for each of a hundred, and no larger a record", async () => {
  await run(20);
  const few = await run(100);
  const many = await run(1000);
  process.stdout.write(`${JSON.stringify({ few, many })}\n`);
  expect(many.perChild).toBeLessThan(few.perChild * 1.1);
  expect(many.largestKb).toBeLessThan(20);
  expect(many.heapKbPerChild).toBeLessThan(20);
}, 300_000);

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
