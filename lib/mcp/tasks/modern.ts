import type { Result, Server, ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { DispatchError } from "../../contract/errors.ts";
import type { TaskService } from "../../engine/service.ts";
import type { Scope } from "../feature.ts";
import { refuseHostile } from "../hostile.ts";
import { outcomeOf } from "./outcome.ts";
import { declaresTasks, refusing, tasksNotDeclared } from "./refusals.ts";
import { modernTask } from "./view.ts";

const params = z.looseObject({ taskId: z.string() });

/**
 * The methods of the extension `io.modelcontextprotocol/tasks`, for clients that declare it with each request. That the
 * header `Mcp-Name` names the task was checked before.
 * https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/draft/tasks.md
 */
export function registerModern(server: Server, { log }: Scope, tasks: TaskService): void {
  const answer = (method: string, work: (taskId: string, context: ServerContext) => Promise<Result>) =>
    server.setRequestHandler(method, { params }, ({ taskId }, context) =>
      refusing(log, async () => {
        if (!declaresTasks(context.mcpReq.envelope)) throw tasksNotDeclared();
        return { resultType: "complete", ...(await work(taskId, context)) };
      }),
    );

  answer("tasks/get", async (taskId) => {
    const followed = await tasks.follow({ task_id: taskId });
    const { record } = followed;
    const task = modernTask(followed);
    if (task.status === "input_required") return { ...task, inputRequests: record.inputRequests ?? {} };
    if (task.status === "working" || task.status === "cancelled") return task;
    const outcome = await outcomeOf(tasks, record);
    return { ...task, ...("result" in outcome ? { result: { resultType: "complete", ...outcome.result } } : outcome) };
  });

  answer("tasks/update", async (taskId, { mcpReq: { inputResponses = {} } }) => {
    refuseHostile(inputResponses);
    const given = { task_id: taskId, responses: inputResponses };
    const send = () => tasks.input(given, { ignoresOver: true });
    // What is not asked, or not any more, is ignored; the second time that is also what another answer has overtaken.
    await send()
      .catch((error) => (isOver(error) ? send() : Promise.reject(error)))
      .catch(unlessOver);
    return {};
  });

  answer("tasks/cancel", async (taskId) => {
    // One that has ended, or is about to, stays as it is: a cancel says what is wanted, no more.
    await tasks.cancel({ task_id: taskId }).catch(unlessOver);
    return {};
  });
}

const isOver = (error: unknown): boolean =>
  error instanceof DispatchError && (error.code === "task.terminal" || error.code === "input.not_asked");

function unlessOver(error: unknown): void {
  if (!isOver(error)) throw error;
}
