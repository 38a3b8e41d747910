import { join } from "node:path";
import { readArtifacts } from "../artifacts/files/read-only.ts";
import { RefusedError } from "../contract/errors.ts";
import { isTerminal } from "../contract/lifecycle.ts";
import type { Json } from "../contract/task.ts";
import type { ToolArguments, ToolName, ToolResult } from "../contract/tools/index.ts";
import { TaskReader } from "../engine/task-reader.ts";
import { openTaskReader } from "../store/sqlite/task-reader.ts";

const OWNER = "local";

/** The tools that read, on a state where no system runs; any other is refused as `local.not_running`. */
export type Reading = {
  /** The files that it names are on this machine. */
  readonly isLocal: true;
  call<Name extends ToolName>(tool: Name, args: ToolArguments<Name>): Promise<ToolResult<Name>>;
  close(): Promise<void>;
};

/** The ids of the tasks in a state folder that begin so, the newest first, whether or not a system runs there. */
export function idsBeginning(stateDir: string, prefix: string): string[] {
  const store = openTaskReader(stateDir);
  try {
    return store?.idsBeginning(prefix) ?? [];
  } finally {
    store?.close();
  }
}

/**
 * Reads the tasks in a state folder: nothing is started, and nothing in the folder is made or changed. A call that would
 * have to wait for a task is refused as `local.not_running`. Throws RefusedError `local.no_state` where there is none, or
 * `platform.newer_version`, and RetryableError `platform.store_unavailable`.
 */
export function openReading(stateDir: string): Reading {
  const store = openTaskReader(stateDir);
  if (!store)
    throw new RefusedError(
      "local.no_state",
      `there are no tasks on ${stateDir}, and no local system is running there`,
      {
        hint: "agent-dispatch local starts it; --state-dir or --config names another one",
        details: { stateDir },
      },
    );
  const tasks = new TaskReader({ store, artifacts: readArtifacts(join(stateDir, "artifacts")), backends: {} }, OWNER);
  const notRunning = (message: string) =>
    new RefusedError("local.not_running", message, { hint: "agent-dispatch local starts it, and its tasks go on" });
  /** The record of a task for which nobody can wait here. */
  const ended = async (task_id: unknown) => {
    const record = await tasks.status({ task_id });
    if (isTerminal(record.status)) return record;
    throw notRunning(`task ${record.id} is ${record.status}, and no local system is running on ${stateDir}`);
  };
  const tools: { [Name in ToolName]?: (given: Json) => Promise<ToolResult<Name>> } = {
    list_tasks: (given) => tasks.list(given),
    get_task_status: (given) => tasks.status(given),
    get_task_result: (given) => tasks.result(given),
    get_task_tree: (given) => tasks.tree(given),
    wait_for_task: ({ task_id }) => ended(task_id),
    async get_task_logs(given) {
      const reply = await tasks.logs(given);
      if (given.wait_seconds && reply.data === "") await ended(given.task_id);
      return reply;
    },
  };
  return {
    isLocal: true,
    async call(tool, args) {
      const answer = tools[tool];
      if (!answer) throw notRunning(`no local system is running on ${stateDir}`);
      return answer({ ...args });
    },
    close: async () => store.close(),
  };
}
