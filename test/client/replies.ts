import type { ToolCaller } from "../../lib/client/sdk/caller.ts";
import { readReply } from "../../lib/client/sdk/reply.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { TaskResult } from "../../lib/contract/tools/get-task-result.ts";
import type { TaskHandle } from "../../lib/contract/tools/task-handle.ts";
import type { ShortRecord, TaskRecord } from "../../lib/contract/tools/task-record.ts";

export const TASK_ID = `task_${"a".repeat(32)}`;
const time = "2026-11-20T10:00:00.000Z";
const place = { provider: "local", accountProfile: "local", backend: "local-process" };
const task = {
  id: TASK_ID,
  status: "running",
  ...place,
  taskType: "command.run",
  createdAt: time,
  updatedAt: time,
} as const;

export const handle = (more: Partial<TaskHandle> = {}): TaskHandle => ({
  taskId: TASK_ID,
  status: "queued",
  ...place,
  capability: "agent-runtime",
  poll: { statusTool: "get_task_status", logsTool: "get_task_logs", resultTool: "get_task_result" },
  ...more,
});

export const shortRecord = (more: Partial<ShortRecord> = {}): ShortRecord => ({
  ...task,
  ...more,
});

export const record = (more: Partial<TaskRecord> = {}): TaskRecord => ({
  ...task,
  capability: "agent-runtime",
  target: { mode: "session" },
  input: { command: "true" },
  providerRefs: {},
  ...more,
});

export const result = (more: Partial<TaskResult> = {}): TaskResult => ({
  taskId: TASK_ID,
  status: "succeeded",
  artifacts: [],
  ...more,
});

export const artifact = (name: string, more: Partial<TaskResult["artifacts"][number]> = {}) => ({
  id: name,
  taskId: TASK_ID,
  kind: "file",
  uri: `file:///f/${name}`,
  name,
  createdAt: time,
  ...more,
});

/** Calls no endpoint but what `answer` says, which is checked like an endpoint's answers. */
export const callerOf = (answer: (tool: string, args: Json) => Promise<object> | object): ToolCaller => ({
  call: async (tool, args) => readReply(tool, { content: [], structuredContent: await answer(tool, args) }),
});
