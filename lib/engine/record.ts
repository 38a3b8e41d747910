import type { Adapters } from "../backends/adapter.ts";
import { estimateOf } from "../backends/estimate.ts";
import { own } from "../contract/configuration.ts";
import { defined, isObject } from "../contract/json.ts";
import { isTerminal } from "../contract/lifecycle.ts";
import type { Task, TaskArtifact } from "../contract/task.ts";
import type { TaskResult } from "../contract/tools/get-task-result.ts";
import type { TaskHandle } from "../contract/tools/task-handle.ts";
import type { ShortRecord, TaskRecord } from "../contract/tools/task-record.ts";
import { artifactCountOf } from "./artifact-pages.ts";

/** The handle of a task. */
export function taskHandle(task: Task, adapters: Adapters): TaskHandle {
  const cloudAgent = cloudAgentOf(task, adapters);
  return {
    taskId: task.id,
    status: task.status,
    provider: task.provider,
    accountProfile: task.accountProfile,
    capability: task.capability,
    backend: task.backend,
    ...(task.conversation && { conversation: task.conversation.id }),
    poll: { statusTool: "get_task_status", logsTool: "get_task_logs", resultTool: "get_task_result" },
    ...(cloudAgent && { cloudAgent }),
  };
}

/** How its agent is talked to; what is made of other tasks has none itself. */
const cloudAgentOf = (task: Task, adapters: Adapters) =>
  task.orchestration ? undefined : own(adapters, task.backend)?.cloudAgent(task);

/** What of a record does not stand in the task. */
export type RecordMore = Pick<TaskRecord, "queuePosition" | "admissionPausedBy"> & { adapters?: Adapters };

/** A task as its owner may see it. Leases, revisions, sessions and the values of environment variables stay inside. */
export function taskRecord(task: Task, more: RecordMore = {}): TaskRecord {
  const cloudAgent = more.adapters && cloudAgentOf(task, more.adapters);
  // What its children are made of stands in their records.
  const estimate = task.orchestration ? undefined : more.adapters && estimateOf(more.adapters, task);
  return defined({
    id: task.id,
    provider: task.provider,
    accountProfile: task.accountProfile,
    capability: task.capability,
    taskType: task.taskType,
    framework: task.framework,
    target: task.target,
    input: task.input,
    inputRef: task.inputRef,
    backend: task.backend,
    status: task.status,
    providerRefs: task.providerRefs,
    conversation: task.conversation?.id,
    cloudAgent,
    ...(isTerminal(task.status) && answerView(task)),
    resultRef: isTerminal(task.status) ? task.resultRef : undefined,
    error: isTerminal(task.status) ? task.error : undefined,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
    owner: task.owner,
    profile: task.profile,
    goal: task.goal,
    caller: task.caller,
    metadata: task.metadata,
    trusted: task.trusted,
    envNames: task.envNames,
    limits: task.limits,
    parent: task.parent,
    depth: task.depth,
    phases: task.phases,
    queuePosition: more.queuePosition,
    admissionPausedBy: more.admissionPausedBy,
    deadlineAt: task.deadlineAtMs === undefined ? undefined : new Date(task.deadlineAtMs).toISOString(),
    progress: task.progress,
    // What models cost is said by the framework; what the rest does is ours to guess.
    usage: estimate ? { ...task.usage, estimate } : task.usage,
    inputRequests: task.status === "input_required" ? task.inputRequests : undefined,
    logLength: task.logLength,
    logTruncated: task.logTruncated || undefined,
    artifactCount: artifactCountOf(task) || undefined,
    artifactsLeftOut: task.artifactsLeftOut,
    shortened: task.shortened,
    summaryChars: task.summaryChars,
    responseFormat: task.responseFormat,
  });
}

/** The result; of a task that was asked for JSON, that beside what the agent said. */
export function answerView({ result, responseFormat }: Pick<Task, "result" | "responseFormat">): {
  result?: unknown;
  parsedResult?: unknown;
  parseError?: string;
} {
  if (!responseFormat || !isObject(result)) return result === undefined ? {} : { result };
  const { result: parsedResult, parseError, ...said } = result;
  return {
    result: said,
    ...(parsedResult !== undefined && { parsedResult }),
    ...(typeof parseError === "string" && { parseError }),
  };
}

/** A task in a list: what it is, and how it stands. */
export function shortRecord(task: Task): ShortRecord {
  return defined({
    id: task.id,
    status: task.status,
    taskType: task.taskType,
    provider: task.provider,
    accountProfile: task.accountProfile,
    backend: task.backend,
    profile: task.profile,
    framework: task.framework,
    summary: summary(task),
    goal: task.goal?.slice(0, 200).toWellFormed(),
    error: task.error && isTerminal(task.status) ? { code: task.error.code } : undefined,
    parent: task.parent,
    conversation: task.conversation?.id,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
  });
}

/** Some of the files of a task, each with its address if it is stored; `nextCursor` when there are more. */
export type ArtifactsView = { files: readonly { artifact: TaskArtifact; uri?: string }[]; nextCursor?: number };

/** The result of a task that has ended, with these of its files; before that, only its status. */
export function resultView(task: Task, { files, nextCursor }: ArtifactsView): TaskResult {
  if (!isTerminal(task.status)) return { taskId: task.id, status: task.status, artifacts: [] };
  const lost = files.flatMap(({ artifact, uri }) => (uri === undefined ? [lostView(artifact, task)] : []));
  return {
    taskId: task.id,
    status: task.status,
    ...answerView(task),
    ...(task.resultRef && { resultRef: task.resultRef }),
    artifacts: files.flatMap(({ artifact, uri }) => (uri === undefined ? [] : [artifactView(task.id, artifact, uri)])),
    ...(lost.length > 0 && { lostArtifacts: lost }),
    ...(task.artifactsLeftOut && { artifactsLeftOut: task.artifactsLeftOut }),
    ...(nextCursor !== undefined && { artifactsNextCursor: nextCursor }),
    ...(task.error && { error: task.error }),
  };
}

const lostView = ({ id, name, reason }: TaskArtifact, { artifactsLostReason }: Task) => ({
  id,
  name,
  reason: reason ?? artifactsLostReason ?? "it was never stored",
});

const artifactView = (
  taskId: string,
  { id, kind, name, contentType, sizeBytes, sha256, createdAt }: TaskArtifact,
  uri: string,
) => ({
  id,
  taskId,
  kind,
  uri,
  name,
  contentType,
  sizeBytes,
  sha256,
  createdAt,
});

const summary = ({ input, progress, taskType }: Task): string | undefined => {
  const items = progress?.payload?.total;
  const text = taskType === "parallel.run" ? `${items} tasks` : (input.instruction ?? input.command ?? input.topic);
  return typeof text === "string" ? text.slice(0, 200).toWellFormed() : undefined;
};
