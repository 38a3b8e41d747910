import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ownerHash, withoutPrincipals } from "../../lib/aws/observe/owner-hash.ts";

const run = promisify(execFile);
const OWNER = "arn:aws:sts::123456789012:assumed-role/deployer";
const owner = "f1d5efc39d846f70";

/** What a function writes, line by line, as what each stream was given. */
async function said(env: Record<string, string> = {}) {
  const names = { POWERTOOLS_SERVICE_NAME: "stack", POWERTOOLS_METRICS_NAMESPACE: "AgentDispatch/stack" };
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const program = join(import.meta.dirname, "observing-process.ts");
  const { stdout, stderr } = await run(process.execPath, [program], {
    env: { PATH, NODE_COMPILE_CACHE, ...names, ...env },
  });
  const lines = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { written: stdout + stderr, lines: lines(stdout), errors: lines(stderr) };
}

const timestamp = expect.stringMatching(/^\d{4}-.*Z$/);
const version = "1.2.3";

test("each message is one line of JSON, and a field cannot pretend to be another part of it", async () => {
  const { lines, errors } = await said();
  expect(lines[0]).toEqual({
    timestamp,
    version,
    level: "INFO",
    requestId: "request-1",
    message: "two\nlines",
    taskId: "task_1",
    service: "forged",
  });
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ timestamp, version, level: "ERROR", message: "outside" });
  expect(errors[0]?.text).toHaveLength(8001);
  expect(errors[0]).not.toHaveProperty("requestId");
  expect(lines.at(-1)).toEqual({ timestamp, version, level: "INFO", message: "after" });
});

test("no line names an owner: each is a hash, which is the same in all", async () => {
  const { written, errors, lines } = await said();
  expect(ownerHash(OWNER)).toBe(owner);
  expect(written).not.toMatch(/arn:aws:(sts|iam)/);
  expect(written).not.toContain("deployer");
  expect(errors[0]?.owner).toBe(owner);
  expect(lines.find(({ message }) => message === "a task ended")?.owner).toBe(owner);
  expect(withoutPrincipals("role arn:aws:iam::123456789012:role/worker is not a caller")).toContain("role/worker");
});

test("lines of a step say which, of what task and owner, in what trace", async () => {
  const { lines } = await said();
  const inside = lines.find(({ message }) => message === "inside");
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  expect(inside).toMatchObject({ step: "Watch", owner, traceId, requestId: "request-2" });
  const { taskId } = inside ?? {};
  const decisions = lines.filter(({ decision }) => decision !== undefined);
  expect(decisions).toMatchObject([
    { decision: "ended", taskId, owner, traceId, step: "Watch", ms: 70, totalMs: 100, code: "platform.internal" },
    { decision: "stepped", taskId, owner, traceId, step: "Watch", ms: 5, again: false },
  ]);
});

test("metrics are lines of the embedded metric format, each with the dimensions that are paid for and no more", async () => {
  const { lines } = await said();
  const metrics = lines.flatMap((line) => {
    const { CloudWatchMetrics = [] } = (line._aws ?? {}) as { CloudWatchMetrics?: Record<string, unknown>[] };
    return CloudWatchMetrics.map((each) => ({ ...each, line }));
  });
  expect(metrics).toMatchObject([
    {
      Namespace: "AgentDispatch/stack",
      Dimensions: [["service", "phase"]],
      Metrics: [{ Name: "PhaseTime", Unit: "Milliseconds" }],
      line: { service: "stack", phase: "running", PhaseTime: 70, taskId: expect.stringMatching(/^task_/) },
    },
    {
      Dimensions: [["service", "outcome"]],
      Metrics: [{ Name: "Outcomes", Unit: "Count" }],
      line: { outcome: "platform.internal", Outcomes: 1 },
    },
    { Dimensions: [["service"]], Metrics: [{ Name: "PlatformFailures" }], line: { PlatformFailures: 1 } },
  ]);
});
