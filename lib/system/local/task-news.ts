import { isTerminal, type Status } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import type { TaskStore } from "../../store/port.ts";

/** Hears of a task that has just left the queue, asks for input, or has ended. It must not throw. */
export type TaskListener = (task: Task) => void;

/** The same store; `tell` hears of the tasks as what is written through it makes them begin, ask and end. */
export function tellingOfTasks<Store extends TaskStore>(store: Store, tell: TaskListener): Store {
  return {
    ...store,
    async create(task) {
      const isNew = await store.create(task);
      if (isNew && isNews(task.status)) tell(task);
      return isNew;
    },
    async change(id, edit) {
      let before: Status | undefined;
      const task = await store.change(id, (now) => {
        const next = edit(now);
        before = next && now.status;
        return next;
      });
      if (before !== undefined && before !== task.status && isNews(task.status)) tell(task);
      return task;
    },
  };
}

const isNews = (status: Status): boolean =>
  status === "provisioning" || status === "input_required" || isTerminal(status);
