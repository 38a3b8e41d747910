import { createHash } from "node:crypto";
import { inputRequestsOf } from "../../lib/contract/input-requests.ts";
import type { Status } from "../../lib/contract/lifecycle.ts";
import { type OwnOf, TASK_VERSION, type Task, type TaskArtifact, transition } from "../../lib/contract/task.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";

/** Fields of a task, of whatever status. */
export type TaskFields = { [Field in keyof Task]?: Exclude<Task[Field], undefined> };

/** What a task of a status has to have. */
const needed: Partial<Record<Status, TaskFields>> = {
  input_required: { inputRequests: inputRequestsOf({ which: "Which?" }) },
  completing: { outcome: { status: "succeeded", atMs: 0 } },
  succeeded: { outcome: { status: "succeeded", atMs: 0 } },
  failed: { error: { code: "task.exit_code", message: "it failed", retryable: false } },
};

/** The task with other fields, and those that it needs for its status. */
export const withFields = (task: Task, fields: TaskFields): Task =>
  ({ ...task, ...needed[fields.status ?? task.status], ...fields }) as Task;

/** The task in another status. Throws TransitionRefusedError. */
export const moved = (task: Task, to: Status, nowMs = Date.now()): Task =>
  transition(task, to, nowMs, { ...needed[to] } as OwnOf<"failed">);

/** A valid task with a random id, queued unless it is told otherwise; `overrides` replace whole fields. */
export function makeTask(overrides: TaskFields = {}): Task {
  const createdAt = new Date().toISOString();
  const task: Task = {
    version: TASK_VERSION,
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
    logBytes: 0,
  };
  return withFields(task, overrides);
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
