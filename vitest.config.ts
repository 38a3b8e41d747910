import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Path of a report as JSON, besides what is printed; `.ci/run` counts from it. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Most tests wait for processes of their own; one file at a time would leave half the machine idle.
    maxWorkers: Math.max(2, availableParallelism()),
    // Tests that measure the heap collect it first.
    execArgv: ["--expose-gc"],
    // Bounds on what hangs, far above what anything takes: a loaded machine must not fail a test.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
  },
});
