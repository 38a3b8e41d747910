import { type CallToolResult, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { TaskService } from "../../engine/service.ts";
import { resultOf } from "../features/call-tool.ts";
import { getTaskResult } from "../tools/get-task-result.ts";
import { endOf } from "./view.ts";

const MAX_MESSAGE = 500;

/** How a request ends whose task has ended: with a result, or with an error of JSON-RPC. */
type Outcome = { result: CallToolResult } | { error: { code: number; message: string; data: unknown } };

/**
 * What an ended task came to: exactly the result that `get_task_result` gives, marked as an error unless the job succeeded.
 * Where the job was taken away by its worker or the platform it is the data of an internal error.
 */
export async function outcomeOf(tasks: TaskService, record: TaskRecord): Promise<Outcome> {
  const result = resultOf(getTaskResult, await getTaskResult.call(tasks, { task_id: record.id }, {}));
  if (endOf(record) !== "error")
    return { result: { ...result, ...(record.status !== "succeeded" && { isError: true }) } };
  const { code, message } = record.error ?? { code: "platform.other", message: "it failed" };
  // All of it is in the data.
  const text = `${code}: ${message}`.slice(0, MAX_MESSAGE).toWellFormed();
  return { error: { code: ProtocolErrorCode.InternalError, message: text, data: result.structuredContent } };
}
