import type { Logger } from "../../contract/logger.ts";
import type { Task } from "../../contract/task.ts";
import { isNewer, isUnreadable } from "../stored-task.ts";
import type { Database } from "./database.ts";
import { isReadable } from "./task-body.ts";

export type TaskRow = { id: string; body: string };

type Options = {
  toTask(id: string, body: string): Task;
  /** Epoch seconds. */
  seconds(): number;
  log?: Logger | undefined;
};

/**
 * Rows as tasks. One that is damaged is reported once and is out of everybody's way: nobody looks at it again unless it is
 * asked for.
 */
export function taskReading(db: Database, { toTask, seconds, log }: Options) {
  const select = db.prepare("SELECT body FROM tasks WHERE id = ? AND (expires_s IS NULL OR expires_s > ?)");
  // Each has an index of its own.
  const [queued, begun] = ["= 'queued'", "<> 'queued'"].map(
    (status) => `SELECT id, body FROM tasks WHERE due_ms IS NOT NULL AND status ${status}`,
  );
  const open = db.prepare(`${queued} UNION ALL ${begun}`);
  const notDue = db.prepare("UPDATE tasks SET due_ms = NULL WHERE id = ?");
  const reported = new Set<string>();

  /** Throws RefusedError `platform.task_unreadable` or `platform.newer_version`. */
  const find = (id: string): Task | undefined => {
    const row = select.get(id, seconds()) as { body: string } | undefined;
    return row && toTask(id, row.body);
  };

  const setAside = (id: string, error: unknown) => {
    if (reported.has(id)) return;
    reported.add(id);
    log?.error("the record of a task is damaged; it is set aside", { taskId: id, error: String(error).slice(0, 500) });
    try {
      db.write(() => notDue.run(id));
    } catch {
      // Where nothing can be written it is found damaged again; whoever reads the others need not wait for that.
    }
  };

  const orSetAside = <T>(id: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (isUnreadable(error)) setAside(id, error.cause);
      throw error;
    }
  };

  /** The task of a row; none where it is damaged, or where a newer version of the program wrote it. */
  const readable = ({ id, body }: TaskRow): Task[] => {
    try {
      return [orSetAside(id, () => toTask(id, body))];
    } catch (error) {
      if (isUnreadable(error) || isNewer(error)) return [];
      throw error;
    }
  };

  return {
    find,
    /** As `find`, outside of a transaction. */
    read: (id: string): Task | undefined => orSetAside(id, () => db.read(() => find(id))),
    readable,
    /** Sets those of the open tasks aside that cannot be read. */
    setAsideDamaged(): void {
      const damaged: TaskRow[] = [];
      db.read(() => {
        for (const row of open.iterate() as Iterable<TaskRow>) if (!isReadable(row.id, row.body)) damaged.push(row);
      });
      for (const row of damaged) readable(row);
    },
  };
}
