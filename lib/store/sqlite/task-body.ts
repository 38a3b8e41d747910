import type { Task } from "../../contract/task.ts";
import { isUnreadable, parseTask, toStored } from "../stored-task.ts";
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

    /** Throws RefusedError `platform.task_unreadable` or `platform.newer_version`. One whose values are lost has none; its start says so. */
    toTask(id: string, body: string): Task {
      return parseTask(
        id,
        () => body,
        ({ env, ...record }) => {
          const values = env === IN_FILE ? files.get(id) : env;
          return values === undefined ? record : { ...record, env: values };
        },
      );
    },
  };
}

/** Whether a row is that of a task, of this version or a newer one. */
export function isReadable(id: string, body: string): boolean {
  try {
    parseTask(
      id,
      () => body,
      ({ env: _, ...record }) => record,
    );
    return true;
  } catch (error) {
    return !isUnreadable(error);
  }
}
