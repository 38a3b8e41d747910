import { expect, test } from "vitest";
import { problem } from "../../lib/contract/errors.ts";
import { inputRequestsOf } from "../../lib/contract/input-requests.ts";
import { resultView, shortRecord, taskHandle, taskRecord } from "../../lib/engine/record.ts";
import { describeContent, makeTask, withFields } from "../contract/make-task.ts";
import { idleAdapter } from "../mcp/ports.ts";

const createdAt = "2026-11-20T10:00:00.000Z";
const cloudAgent = { protocol: "http" };
const adapters = { "local-process": idleAdapter({ cloudAgent: () => cloudAgent }) };

/** A task in which every field that stays inside is set. */
const full = makeTask({
  createdAt,
  updatedAt: createdAt,
  phases: { queued: createdAt, running: createdAt },
  status: "running",
  env: { NAME: "a value" },
  envNames: ["NAME"],
  lease: { holder: "h", untilMs: 1 },
  session: { id: "s", state: "open", inFlight: {}, bootId: "b" },
  obligations: { slot: "local", session: "s" },
  recoveries: { count: 1, atPhase: 1 },
  deadlineAtMs: Date.parse(createdAt),
  parent: "task_parent",
  depth: 1,
  goal: "g",
  caller: "ada",
  metadata: { a: 1 },
  progress: { sequence: 100, timestamp: createdAt, message: "half" },
  usage: { costUsd: 1 },
  inputRequests: inputRequestsOf({ q: "Q?" }),
  outcome: { status: "succeeded", atMs: 1 },
  result: "early",
});

test("a handle says how to follow the task", () => {
  expect(taskHandle(full, adapters)).toEqual({
    taskId: full.id,
    status: "running",
    provider: "local",
    accountProfile: "local",
    capability: "agent-runtime",
    backend: "local-process",
    poll: { statusTool: "get_task_status", logsTool: "get_task_logs", resultTool: "get_task_result" },
    cloudAgent,
  });
  expect(taskHandle(full, {})).not.toHaveProperty("cloudAgent");
});

test("a record shows what an owner may see, and nothing else", () => {
  expect(taskRecord(full, { adapters, queuePosition: 3 })).toEqual({
    id: full.id,
    provider: "local",
    accountProfile: "local",
    capability: "agent-runtime",
    taskType: "command.run",
    target: { mode: "session", protocol: "http" },
    input: { command: "true" },
    backend: "local-process",
    status: "running",
    providerRefs: {},
    cloudAgent,
    createdAt,
    updatedAt: createdAt,
    owner: "local",
    profile: "local",
    goal: "g",
    caller: "ada",
    metadata: { a: 1 },
    envNames: ["NAME"],
    limits: full.limits,
    parent: "task_parent",
    depth: 1,
    phases: { queued: createdAt, running: createdAt },
    queuePosition: 3,
    deadlineAt: createdAt,
    progress: { sequence: 100, timestamp: createdAt, message: "half" },
    usage: { costUsd: 1 },
    logLength: 0,
  });
});

test("a record has the result once the task has ended, and questions while it waits for answers", () => {
  expect(taskRecord(withFields(full, { status: "cancelled" }))).toMatchObject({ status: "cancelled", result: "early" });
  expect(
    taskRecord(withFields(full, { status: "input_required", inputRequests: inputRequestsOf({ q: "Q?" }) })),
  ).toMatchObject({
    inputRequests: inputRequestsOf({ q: "Q?" }),
  });
});

test("a short record says what a task is", () => {
  const error = problem("task.agent_failed", "long");
  const task = makeTask({
    createdAt,
    updatedAt: createdAt,
    status: "failed",
    error,
    input: { command: "x".repeat(999) },
  });
  expect(shortRecord(task)).toEqual({
    id: task.id,
    status: "failed",
    taskType: "command.run",
    provider: "local",
    accountProfile: "local",
    backend: "local-process",
    profile: "local",
    summary: "x".repeat(200),
    error: { code: "task.agent_failed" },
    createdAt,
    updatedAt: createdAt,
  });
});

test("a result has its error and artifacts, and none before the end", () => {
  const file = describeContent(new Uint8Array(3), { createdAt, state: "stored" });
  const lost = describeContent(new Uint8Array(4), {
    createdAt,
    id: "artifact-2",
    name: "b",
    state: "lost",
    reason: "why",
  });
  const error = problem("task.exit_code", "it failed");
  const artifactsLeftOut = { count: 1, limit: 1000, files: [{ name: "c", reason: "too many" }] };
  const task = makeTask({ status: "failed", error, result: { exitCode: 2 }, artifactsLeftOut });
  const files = [{ artifact: file, uri: "file:///report.md" }, { artifact: lost }];
  expect(resultView(task, { files, nextCursor: 2 })).toEqual({
    taskId: task.id,
    status: "failed",
    result: { exitCode: 2 },
    artifacts: [
      {
        id: "artifact-1",
        taskId: task.id,
        kind: "file",
        uri: "file:///report.md",
        name: "report.md",
        contentType: "text/markdown",
        sizeBytes: 3,
        sha256: file.sha256,
        createdAt,
      },
    ],
    lostArtifacts: [{ id: "artifact-2", name: "b", reason: "why" }],
    artifactsLeftOut,
    artifactsNextCursor: 2,
    error,
  });
  expect(resultView(withFields(task, { status: "completing" }), { files: [] })).toEqual({
    taskId: task.id,
    status: "completing",
    artifacts: [],
  });
});
