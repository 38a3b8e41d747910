import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Path of a report as JSON, besides what is printed; `.ci/run` counts from it. */
const report = process.env.TEST_REPORT;

/**
 * What takes minutes: much output, many files, whole days, other stores, random requests, and whatever breaks, ends, starts or
 * is taken away on the way. `npm run test:long` runs these.
 */
const long = [
  "test/system/{output,growth,dynamodb,fuzz,damage,laptop,agentcore,cloud-trouble}.test.ts",
  "test/system/{trouble,crash,families,shared-worker,storm,mcp-tasks-cloud}.test.ts",
  "test/system/{agents,agent-programs,conversations,protocols}.test.ts",
  "test/engine/{load,growth}.test.ts",
  "test/engine/service/long-answers.test.ts",
  "test/worker/{fuzz,stop,strands}.test.ts",
  "test/backends/agentcore/{contract-less,other-account}.test.ts",
  "test/package/other-nodes.test.ts",
  "test/client/cli/{agents,connecting,doctor,downloads,hints,init-terminal,leftovers,mcp,terminal,local,run}.test.ts",
  "test/client/{local/start,sdk/cloud}.test.ts",
  "test/client/bridge/{many-faults,load,proxy,silence}.test.ts",
];
const isLong = process.env.TEST_LONG === "true";
const infra = "test/infra/**/*.test.ts";

/** The longest files first, so that none of them is what everybody waits for in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      /\/test\/(system|client|conformance)\/|\/(contract-less|load|task-store|other-account)\.test\.ts$/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    projects: [
      // These load the whole CDK, which takes longer than what most of them do with it; none changes what others see.
      { extends: true, test: { name: "infra", include: isLong ? [] : [infra], isolate: false } },
      {
        extends: true,
        test: {
          name: "tests",
          include: isLong ? long : ["test/**/*.test.ts"],
          exclude: [infra, ...(isLong ? [] : long)],
        },
      },
    ],
    globalSetup: "test/setup/without-agent-programs.ts",
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    // Most tests wait for processes of their own: as many files as cores would leave the machine idle at times.
    maxWorkers: availableParallelism() + 1,
    // Hundreds of processes load the same sources.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache") },
    // Tests that measure the heap collect it first.
    execArgv: ["--expose-gc"],
    // Bounds on what hangs, far above what anything takes: a loaded machine must not fail a test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
  },
});
