import type { Observer } from "../../contract/observation/observer.ts";
import type { Task } from "../../contract/task.ts";
import type { TaskStore } from "../../store/port.ts";
import { decisionsOf } from "./decisions.ts";

/**
 * The same store, of whose writes an observer hears what they decided. Whoever decides something of a task writes it, so
 * nothing has to say so besides, and nothing can be forgotten.
 */
export function observedStore<Store extends TaskStore>(store: Store, observe: Observer, now: () => number): Store {
  const tell = (before: Task | undefined, after: Task) => {
    observe.about(after);
    for (const decision of decisionsOf(before, after, now())) observe.decided(decision);
  };
  return {
    ...store,
    async get(id) {
      const task = await store.get(id);
      if (task) observe.about(task);
      return task;
    },
    async create(task) {
      const isNew = await store.create(task);
      if (isNew) tell(undefined, task);
      return isNew;
    },
    async change(id, edit) {
      let before: Task | undefined;
      const task = await store.change(id, (now) => {
        const next = edit(now);
        before = next && now;
        return next;
      });
      if (before) tell(before, task);
      return task;
    },
  };
}
