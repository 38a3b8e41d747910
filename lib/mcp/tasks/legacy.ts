import {
  ProtocolError,
  RELATED_TASK_META_KEY,
  type Result,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Followed, TaskService } from "../../engine/service.ts";
import type { Scope } from "../feature.ts";
import { outcomeOf } from "./outcome.ts";
import { refusing } from "./refusals.ts";
import { legacyTask } from "./view.ts";

const taskParams = z.looseObject({ taskId: z.string() });
const listParams = z.looseObject({ cursor: z.string().optional() }).optional();

/** Clients give a request up after 60 s: what takes longer is asked for again. */
const WAIT_SECONDS = 45;
/** As the SDKs call a request that took too long. */
const REQUEST_TIMEOUT = -32_001;

/**
 * The methods of tasks in the revision 2025-11-25. Each is answered from the store alone, whichever process made the task.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks
 */
export function registerLegacy(server: Server, { log }: Scope, tasks: TaskService): void {
  const answer = (method: string, work: (taskId: string, context: ServerContext) => Promise<Result>) =>
    server.setRequestHandler(method, { params: taskParams }, ({ taskId }, context) =>
      refusing(log, () => work(taskId, context)),
    );
  const waited = (taskId: string, { mcpReq: { signal } }: ServerContext) =>
    tasks.follow({ task_id: taskId, wait_seconds: WAIT_SECONDS }, { signal });

  answer("tasks/get", async (taskId) => legacyTask(await tasks.follow({ task_id: taskId })));

  server.setRequestHandler("tasks/list", { params: listParams }, (params) =>
    refusing(log, async () => {
      const { items, cursor } = await tasks.followAll({
        ...(params?.cursor !== undefined && { cursor: params.cursor }),
      });
      return { tasks: items.map(legacyTask), ...(cursor !== undefined && { nextCursor: cursor }) };
    }),
  );

  answer("tasks/result", async (taskId, context) => {
    const followed = await waited(taskId, context);
    // It has to wait for the end, and may fail: then its client polls, or asks again.
    if (!isTerminal(followed.record.status)) throw goesOn(followed, "ask for its result again, or poll with tasks/get");
    const outcome = await outcomeOf(tasks, followed.record);
    if ("error" in outcome) throw new ProtocolError(outcome.error.code, outcome.error.message, outcome.error.data);
    return { ...outcome.result, _meta: { [RELATED_TASK_META_KEY]: { taskId } } };
  });

  answer("tasks/cancel", async (taskId, context) => {
    await tasks.cancel({ task_id: taskId });
    const followed = await waited(taskId, context);
    // The answer is a task that is cancelled, so it waits until nothing of it runs.
    if (!isTerminal(followed.record.status))
      throw goesOn(followed, "it was told to stop, and tasks/get shows when it has");
    return legacyTask(followed);
  });
}

function goesOn(followed: Followed, next: string): ProtocolError {
  const task = legacyTask(followed);
  const { isCrowded, pollIntervalMs } = followed;
  const since = isCrowded ? `, too many calls wait: in ${pollIntervalMs / 1000} s` : ` after ${WAIT_SECONDS} s:`;
  return new ProtocolError(REQUEST_TIMEOUT, `Task ${task.taskId} goes on${since} ${next}`, { task });
}
