import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import type { ToolCaller } from "../sdk/caller.ts";
import type { Context } from "./context.ts";
import type { Call, RunOptions } from "./run-call.ts";
import { findTaskId, type Known, knownTo } from "./task-id.ts";

const PAGE = 100;
const MAX_PAGES = 10;

/**
 * The instruction of a run that goes on with a task: `--continue "Now test it"` has no task, and takes the words behind it for
 * one. What begins with `task_` is one in any case.
 */
export function readContinue(
  instruction: string | undefined,
  options: RunOptions,
): { instruction: string | undefined; options: RunOptions } {
  const { continue: task } = options;
  const isInstruction = typeof task === "string" && instruction === undefined && !task.startsWith("task_");
  return isInstruction ? { instruction: task, options: { ...options, continue: true } } : { instruction, options };
}

/**
 * The call of a run with the conversation that `--continue` means: that of the task, or of the last agent task that there is.
 * A job means the tasks that it dispatched itself. Throws RefusedError `conversation.not_found`, and as `findTaskId` does.
 */
export async function withConversation(
  endpoint: ToolCaller,
  call: Call,
  options: RunOptions,
  context: Context,
): Promise<Call> {
  const { continue: task } = options;
  if (task === undefined || call.tool !== "spawn_cloud_agent") return call;
  const conversation =
    task === true
      ? await lastConversation(endpoint, context.io.env[environmentVariables.taskId])
      : await ofTask(endpoint, task, knownTo(context, options));
  return { ...call, args: { ...call.args, conversation } };
}

async function ofTask(endpoint: ToolCaller, text: string, known: Known): Promise<string> {
  const { id, conversation } = await endpoint.call("get_task_status", {
    task_id: await findTaskId(endpoint, text, known),
  });
  if (conversation !== undefined) return conversation;
  throw notFound(`task ${id} has no conversation: an agent did not run it`);
}

async function lastConversation(endpoint: ToolCaller, parent: string | undefined): Promise<string> {
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await endpoint.call("list_tasks", { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    const last = page.items.find((item) => item.conversation !== undefined && item.parent === parent);
    if (last?.conversation !== undefined) return last.conversation;
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  throw notFound("there is no agent task to go on with");
}

const notFound = (message: string) =>
  new RefusedError("conversation.not_found", message, {
    hint: "agent-dispatch list --json shows the conversation of each task; without --continue a run begins one",
  });
