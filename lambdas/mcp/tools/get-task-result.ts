import * as z from "zod";
import { readLargeValue } from "../../../lib/domain/large-values.ts";
import { isTerminal } from "../../../lib/domain/lifecycle.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { previewValue } from "../../../lib/domain/preview.ts";
import { resultView } from "../../../lib/domain/record.ts";
import type { Task, ValueRef } from "../../../lib/domain/task.ts";
import * as field from "./fields.ts";
import { MAX_REPLY, replySize } from "./reply-size.ts";
import { ownTask, reads, shape, tool } from "./tool.ts";

const input = z.strictObject({ task_id: field.taskId });

const MAX_RESULT = 30_000;
const PREVIEW = 8_000;
/** Files listed in one reply. */
const MAX_ARTIFACTS = 50;

/** What a task came to. */
export const getTaskResult = tool({
  name: "get_task_result",
  title: "Get a task's result",
  description:
    "Returns the result of a task that has ended, its artifacts with their addresses, and its error if it failed. On one " +
    "that has not ended: only its status. A long result is a preview, and resultRef says where the whole is.",
  input,
  output: shape({
    taskId: "string",
    status: "string",
    "result?": "any",
    "resultRef?": "object",
    artifacts: "array",
    "error?": "object",
  }),
  annotations: reads,
  run: async (context, { task_id }) => {
    const { ports } = context;
    const known = await ownTask(context, task_id);
    if (!isTerminal(known.status)) return { structured: resultView(known, {}) };
    const task = await previewed(ports, known);
    const stored = task.artifacts.filter(({ state }) => state === "stored").slice(0, MAX_ARTIFACTS);
    const uris = await Promise.all(stored.map(async (file) => [file.id, await ports.artifacts.uriOf(task.id, file)]));
    const shown = task.artifacts.filter(({ state }) => state !== "stored").slice(0, MAX_ARTIFACTS);
    const left = task.artifacts.length - stored.length - shown.length;
    const resultRef = task.resultRef && (await readable(ports, task.id, task.resultRef));
    const shownTask = { ...task, ...(resultRef && { resultRef }), artifacts: [...stored, ...shown] };
    const view = resultView(shownTask, Object.fromEntries(uris));
    const structured = left > 0 ? { ...view, artifactsNotShown: left } : view;
    if (replySize(structured) <= MAX_REPLY || !task.error) return { structured };
    const { details: _, ...error } = task.error;
    return { structured: { ...structured, error } };
  },
});

/** The task with a result that fits into a reply; one that does not is kept whole where `resultRef` says. */
async function previewed(ports: Ports, task: Task): Promise<Task> {
  if (task.resultRef && task.result === undefined) {
    const whole = await readLargeValue(ports, task.resultRef);
    return { ...task, result: previewValue(whole, PREVIEW) };
  }
  if (replySize(task.result) <= MAX_RESULT) return task;
  const content = new TextEncoder().encode(JSON.stringify(task.result));
  const resultRef = task.resultRef ?? (await ports.artifacts.put(task.id, "result.json", content, "application/json"));
  return { ...task, result: previewValue(task.result, PREVIEW), resultRef };
}

/** The reference with an address that the caller can read from: where it is kept, only the system may. */
async function readable(ports: Ports, taskId: string, ref: ValueRef): Promise<ValueRef> {
  const { sha256, sizeBytes } = ref;
  const file = { id: "result", kind: "file", name: "result.json", contentType: "application/json" } as const;
  const artifact = { ...file, sha256, sizeBytes, createdAt: "", state: "stored" } as const;
  return { ...ref, uri: await ports.artifacts.uriOf(taskId, artifact) };
}
