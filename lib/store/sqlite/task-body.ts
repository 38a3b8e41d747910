import type { Task } from "../../contract/task.ts";
import { isUnreadable, parseTask, toStored } from "../stored-task.ts";
import type { EnvFiles } from "./env-files.ts";

/** What stands in a row in place of the values, which are in a file. */
const IN_FILE = "in a file";

/** Tasks as the JSON of a row, and back. The values of environment variables are never in it. */
export function bodies(files: Pick<EnvFiles, "get" | "put">) {
  const known = new KnownBodies();
  return {
    toBody(task: Task): string {
      if (task.env && !files.get(task.id)) files.put(task.id, task.env);
      const body = JSON.stringify({ ...toStored(task), ...(task.env && { env: IN_FILE }) });
      if (!task.env) known.note(task.id, body);
      return body;
    },

    /**
     * Throws RefusedError `platform.task_unreadable` or `platform.newer_version`. One whose values are lost has none; its
     * start says so.
     */
    toTask(id: string, body: string): Task {
      const task = parseTask(
        id,
        () => body,
        ({ env, ...record }) => {
          const values = env === IN_FILE ? files.get(id) : env;
          return values === undefined ? record : { ...record, env: values };
        },
        { isKnown: known.has(id, body) },
      );
      if (!task.env) known.note(id, body);
      return task;
    },
  };
}

/** So many rows, of at most so many characters, are remembered: a few MB, of the tasks that are worked on. */
const MOST_KNOWN = 256;
const MAX_KNOWN_LENGTH = 16 * 1024;

/**
 * The rows of tasks as this process last wrote or checked them. A task is read many times a second while it runs, and to hold
 * it against its schema takes longer than all else that a read does; what others wrote, or damaged, is another text.
 */
class KnownBodies {
  readonly #bodies = new Map<string, string>();

  has(id: string, body: string): boolean {
    return this.#bodies.get(id) === body;
  }

  note(id: string, body: string): void {
    // Anew, so that the first is the one that was used longest ago.
    this.#bodies.delete(id);
    if (body.length > MAX_KNOWN_LENGTH) return;
    this.#bodies.set(id, body);
    const [oldest] = this.#bodies.keys();
    if (this.#bodies.size > MOST_KNOWN && oldest !== undefined) this.#bodies.delete(oldest);
  }
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
