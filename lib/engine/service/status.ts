import { finalEvents, sequences, type TaskEvent } from "../../contract/events.ts";
import { previewText } from "../../contract/preview.ts";
import { MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import type { ReadableStore } from "../../store/port.ts";
import { queueEntry } from "../cancellation.ts";
import { progressEvent } from "../orchestration/progress.ts";
import type { ReadPorts } from "../ports.ts";
import type { RecordMore } from "../record.ts";
import { shownRecord } from "./shown-record.ts";

const MAX_EVENTS = 200;

/** The record of a task as it stands, with its events after a number if one is given. */
export async function describeTask(
  ports: ReadPorts,
  task: Task,
  eventsAfter: number | undefined,
): Promise<ToolResult<"get_task_status">> {
  const { store } = ports;
  const place = task.status === "queued" ? await placeInQueue(store, task) : {};
  if (eventsAfter === undefined) return shownRecord(ports, task, place);

  const fitted = await shownRecord(ports, task, { ...place, room: MAX_REPLY / 4 });
  const settled = completeUpTo(task.workerSequence, await eventsOf(store, task, eventsAfter));
  const events = fitting(settled, MAX_REPLY - replySize(fitted));
  return { ...fitted, events, eventsNext: events.at(-1)?.sequence ?? eventsAfter };
}

/** How many come before a task that waits, itself included, and who keeps all of them from beginning. */
async function placeInQueue(
  store: ReadPorts["store"],
  task: Task,
): Promise<Pick<RecordMore, "queuePosition" | "admissionPausedBy">> {
  const [ahead, pauses] = await Promise.all([store.countAhead(queueEntry(task)), store.listPauses(task.owner)]);
  const admissionPausedBy = pauses.map(({ by }) => by);
  return { queuePosition: ahead + 1, ...(pauses.length > 0 && { admissionPausedBy }) };
}

/**
 * A page of a task's events. Those of its end, and how far it is made of others, are written after the task itself, which may
 * be a moment later, or never in this process: they follow from the task alone, so nobody who sees the end has to wait for
 * them.
 */
async function eventsOf(store: Pick<ReadableStore, "listEvents">, task: Task, after: number): Promise<TaskEvent[]> {
  const stored = await store.listEvents(task.id, after, MAX_EVENTS);
  const own = [...finalEvents(task), ...(task.orchestration ? progressEvent(task) : [])];
  if (stored.length >= MAX_EVENTS || own.length === 0) return stored;
  const known = new Set(stored.map(({ sequence }) => sequence));
  const missing = own.filter(({ sequence }) => sequence > after && !known.has(sequence));
  return missing.length === 0 ? stored : [...stored, ...missing].sort((a, b) => a.sequence - b.sequence);
}

/**
 * The events before the first that is only being stored: others may still come before that one, and a reader who follows
 * by number would miss them. The task says up to which number the worker's are all there.
 */
function completeUpTo(workerSequence: number, events: TaskEvent[]): TaskEvent[] {
  const isWorkers = (sequence: number) => sequence >= FIRST_WORKER_SEQUENCE && sequence < sequences["task.cancelling"];
  const end = events.findIndex(({ sequence }) => isWorkers(sequence) && sequence > workerSequence);
  return end < 0 ? events : events.slice(0, end);
}

/** The first events that fit; one that does not fit alone is shortened, so that a reader always gets on. */
function fitting(events: TaskEvent[], room: number): TaskEvent[] {
  const fitted: TaskEvent[] = [];
  for (const event of events) {
    const size = replySize(event);
    if (size > room) {
      if (fitted.length === 0) fitted.push(shortened(event));
      break;
    }
    fitted.push(event);
    room -= size;
  }
  return fitted;
}

const shortened = ({ payload: _, message, ...event }: TaskEvent): TaskEvent => ({
  ...event,
  ...(message !== undefined && { message: previewText(message, 4000) }),
  payload: { shortened: true },
});
