import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  RELATED_TASK_META_KEY,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Problem } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";
import type { TaskService } from "../../engine/service.ts";
import type { Scope } from "../feature.ts";
import { declaresTasks, refusal, refusing } from "./refusals.ts";
import { legacyTask, modernTask } from "./view.ts";

/**
 * Whether a call may be answered with a task: in 2026-07-28 where the client has declared the extension with that request,
 * in 2025-11-25 where it asks for one.
 */
export const takesTask = (era: Scope["era"], params: { task?: unknown }, { mcpReq }: ServerContext): boolean =>
  era === "modern" ? declaresTasks(mcpReq.envelope) : params.task !== undefined;

/** The answer to a call that is a task by now: whoever reads it can ask for that task at once. */
export async function taskAnswer(tasks: TaskService, { era, log }: Scope, taskId: string): Promise<CallToolResult> {
  return refusing(log, async () => {
    const followed = await tasks.follow({ task_id: taskId });
    if (era === "modern") return { content: [], resultType: "task", ...modernTask(followed) };
    return {
      content: [],
      task: legacyTask(followed),
      _meta: {
        [RELATED_TASK_META_KEY]: { taskId },
        // What a host may tell the model at once, in place of a result.
        "io.modelcontextprotocol/model-immediate-response": `Runs as task ${taskId}; wait_for_task waits for its end, get_task_result returns what it came to.`,
      },
    };
  });
}

/** The id of the task that an answer of a tool is about; undefined when it is about none. */
export function taskIn({ structuredContent, isError }: CallToolResult): string | undefined {
  if (isError || !isObject(structuredContent)) return undefined;
  const id = structuredContent.taskId ?? structuredContent.id;
  return typeof id === "string" ? id : undefined;
}

/**
 * A call that made no task, though one was asked for, in the revision 2025-11-25: its clients read nothing but a task there,
 * so that a question or a refusal has to be an error of JSON-RPC.
 */
export function madeNoTask({ content, structuredContent, isError }: CallToolResult): ProtocolError {
  const text = content[0]?.type === "text" ? content[0].text : "{}";
  if (isError) return refusal((JSON.parse(text) as { error: Problem }).error);
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `No task was made: ${text}`.slice(0, 8000),
    structuredContent,
  );
}
