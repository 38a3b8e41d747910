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
  "test/system/{output,growth,dynamodb,fuzz,damage,laptop,agentcore,cloud-trouble,observed,waiting-callers,misuse}.test.ts",
  "test/system/{orchestration,orchestration-cloud,trouble,crash,families,shared-worker,storm,mcp-tasks-cloud,stopping,stopping-cloud}.test.ts",
  "test/system/peer/{peer,weaknesses,weaknesses-calls,weaknesses-programs,weaknesses-servers}.test.ts",
  "test/system/{agents,agents-cloud,jobs,nested,nested-cloud,groups,agent-programs,conversations,protocols}.test.ts",
  "test/system/trees-cloud.test.ts",
  "test/engine/{load,growth,answer-cache}.test.ts",
  "test/costs/counted.test.ts",
  "test/engine/tree/{guards,starving,storms}.test.ts",
  "test/engine/orchestration/{flows,dying,many,storm,storms}.test.ts",
  "test/engine/service/long-answers.test.ts",
  "test/live/live.test.ts",
  "test/worker/{fuzz,stop,strands}.test.ts",
  "test/backends/agentcore/{contract-less,other-account,warm}.test.ts",
  "test/package/other-nodes.test.ts",
  "test/client/cli/{agents,keeping,connecting,doctor,downloads,hints,init-terminal,leftovers,mcp,orchestration,terminal,local,run}.test.ts",
  "test/client/{local/start,sdk/cloud}.test.ts",
  "test/client/bridge/{many-faults,load,proxy,silence}.test.ts",
  "test/faults/{repeating,mutations,history}.test.ts",
  "test/backends/agentcore/{bad-input,contract-less-agent,runtime-logs,shared-runtimes}.test.ts",
  "test/client/cli/demo.test.ts",
  "test/engine/contract-less.test.ts",
  "test/system/mcp-tasks.test.ts",
  "test/worker/image.test.ts",
  "test/store/dynamodb/overdue.test.ts",
  "test/system/{questions,asking,lost-agents,agent-progress,worker-socket}.test.ts",
  "test/worker/frameworks/programs/{codex,gemini,opencode}.test.ts",
  "test/client/bridge/{clients,json-text}.test.ts",
];
const isLong = process.env.TEST_LONG === "true";
const infra = "test/infra/**/*.test.ts";

/** The longest files first, so that none of them is what everybody waits for in the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      /\/test\/(system|client|conformance|faults)\/|\/(contract-less|load|task-store|other-account)\.test\.ts$/.test(
        moduleId,
      );
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    projects: [
      // These load the whole CDK, which no process of the others has to hold.
      { extends: true, test: { name: "infra", include: isLong ? [] : [infra] } },
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
    // To load the sources afresh for each file takes as long as most of the tests: files leave a process as they found it.
    // Some of the long ones measure the heap.
    isolate: isLong,
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
    expect: { poll: { timeout: 60_000 } },
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
  },
});
