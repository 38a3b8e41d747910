import type { Task } from "../../contract/task.ts";
import type { QueueEntry } from "../../store/port.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { queueEntry } from "../cancellation.ts";
import type { Ports } from "../ports.ts";

/** Of the oldest entries of an owner's queue: those behind them are looked at when they have become the oldest. */
const MOST = 100;
/** Whoever lets a task begin takes its entry out right afterwards. */
const LEAVING_MS = 60_000;

/** Puts a task that waits back into its owner's queue, where it never got into it or has left it. */
export async function restoreQueueItem(ports: Ports, task: Task): Promise<void> {
  if (!(await ports.store.enqueue(queueEntry(task)))) return;
  const { id: taskId, owner } = task;
  ports.observe.decided({ decision: "found", thing: "missing_queue_item", taskId, owner });
}

/** Takes entries out of an owner's queue whose tasks wait no more, or are not there: they only keep others waiting. */
export async function removeStrayQueueItems(ports: Ports, owner: string): Promise<void> {
  for (const entry of await ports.store.listQueue(owner, MOST)) {
    const task = await readableOrNewer(ports.store, entry.taskId);
    if (task === "newer" || task?.status === "queued") continue;
    if (task && ports.now() - Date.parse(task.updatedAt) < LEAVING_MS) continue;
    await removeStray(ports, entry);
  }
}

/** Takes out an entry of which it is known that its task does not wait. */
export async function removeStray(ports: Ports, entry: QueueEntry): Promise<void> {
  const { owner, taskId } = entry;
  if (await ports.store.dequeue(entry))
    ports.observe.decided({ decision: "found", thing: "stray_queue_item", taskId, owner });
}
