import type { Task } from "../../contract/task.ts";
import { parseTask, toStored } from "../stored-task.ts";
import type { EnvFiles } from "./env-files.ts";

/** What stands in a row in place of the values, which are in a file. */
const IN_FILE = "in a file";

/** Tasks as the JSON of a row, and back. The values of environment variables are never in it. */
export function bodies(files: EnvFiles) {
  return {
    toBody(task: Task): string {
      if (!task.env) return JSON.stringify(toStored(task));
      if (!files.get(task.id)) files.put(task.id, task.env);
      return JSON.stringify({ ...toStored(task), env: IN_FILE });
    },

    /** Throws RefusedError `platform.task_unreadable`. One whose values are lost has none; its start says so. */
    toTask(id: string, body: string): Task {
      const { env, ...task } = parseTask(id, () => body) as Omit<Task, "env"> & { env?: unknown };
      const values = env === IN_FILE ? files.get(id) : (env as Task["env"]);
      return { ...task, ...(values && { env: values }) };
    },
  };
}

/** Whether a row is that of a task. */
export function isReadable(id: string, body: string): boolean {
  try {
    parseTask(id, () => body);
    return true;
  } catch {
    return false;
  }
}
