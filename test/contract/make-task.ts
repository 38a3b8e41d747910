import { createHash } from "node:crypto";
import { newTaskId, type Task, type TaskArtifact } from "../../lib/contract/task.ts";

/** A valid queued task with a random id; `overrides` replace whole fields. */
export function makeTask(overrides: Partial<Task> = {}): Task {
  const createdAt = new Date().toISOString();
  return {
    id: newTaskId(),
    owner: "local",
    revision: 1,
    executionNumber: 1,
    provider: "local",
    accountProfile: "local",
    capability: "agent-runtime",
    backend: "local-process",
    profile: "local",
    taskType: "command.run",
    target: { mode: "session", protocol: "http" },
    input: { command: "true" },
    limits: { maxRunning: 8, maxRunningPerProfile: 8, timeoutSeconds: 900, graceSeconds: 10, maxDepth: 3 },
    depth: 0,
    status: "queued",
    phases: { queued: createdAt },
    createdAt,
    updatedAt: createdAt,
    dueAtMs: Date.parse(createdAt) + 60_000,
    obligations: {},
    providerRefs: {},
    workerSequence: 0,
    logLength: 0,
    ...overrides,
  };
}

/** The artifact, as a worker announces it, that this content is. */
export function describeContent(content: Uint8Array, overrides: Partial<TaskArtifact> = {}): TaskArtifact {
  return {
    id: "artifact-1",
    name: "report.md",
    kind: "file",
    contentType: "text/markdown",
    sizeBytes: content.byteLength,
    sha256: createHash("sha256").update(content).digest("hex"),
    state: "pending",
    createdAt: new Date().toISOString(),
    ...overrides,
  };
}

/** Text as UTF-8. */
export const bytes = (text: string) => new TextEncoder().encode(text);
