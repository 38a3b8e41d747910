import type { Task } from "@a2a-js/sdk";
import { InMemoryTaskStore, type ServerCallContext } from "@a2a-js/sdk/server";

/** What the agent said on its way is read along, and the rest of a task is not kept longer than its machine. */
const MAX_HISTORY = 100;

/** The tasks of a session, which bounds what each remembers: all of it is copied with every event. */
export class SessionTasks extends InMemoryTaskStore {
  override save(task: Task, context: ServerCallContext): Promise<void> {
    const { history } = task;
    const [first, ...others] = history;
    const isLong = first !== undefined && history.length > MAX_HISTORY;
    return super.save(isLong ? { ...task, history: [first, ...others.slice(1 - MAX_HISTORY)] } : task, context);
  }
}
