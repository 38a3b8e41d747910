import * as z from "zod";
import { sequences, type TaskEvent } from "../../contract/events.ts";
import { previewText } from "../../contract/preview.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import { queueEntry } from "../../engine/cancellation.ts";
import { taskRecord } from "../../engine/record.ts";
import * as field from "./fields.ts";
import { fitRecord, MAX_REPLY, replySize } from "./reply-size.ts";
import { ownTask, reads, tool } from "./tool.ts";
import { recordShape } from "./wait-for-task.ts";

const input = z.strictObject({
  task_id: field.taskId,
  events_after: z.number().int().min(0).optional().describe("Adds the events with a greater sequence, at most 200"),
});

const MAX_EVENTS = 200;

/** The record of a task as it stands. */
export const getTaskStatus = tool({
  name: "get_task_status",
  title: "Look at a task",
  description:
    "Returns the record of a task as it stands: status, phases with times, progress, queue position, error; with " +
    "events_after also its events. It does not wait; wait_for_task does. Long parts are previews, named in previews; " +
    "get_task_result has the result.",
  input,
  output: recordShape({ events: "array", eventsNext: "integer" }),
  annotations: reads,
  run: async (context, { task_id, events_after }) => {
    const { store, backends } = context.ports;
    const task = await ownTask(context, task_id);
    const ahead = task.status === "queued" ? await store.countAhead(queueEntry(task)) : undefined;
    const record = taskRecord(task, {
      adapters: backends,
      ...(ahead !== undefined && { queuePosition: ahead + 1 }),
    });
    if (events_after === undefined) return { structured: fitRecord(record) };

    const fitted = fitRecord(record, MAX_REPLY / 2);
    const settled = completeUpTo(task.workerSequence, await store.listEvents(task.id, events_after, MAX_EVENTS));
    const events = fitting(settled, MAX_REPLY - replySize(fitted));
    return { structured: { ...fitted, events, eventsNext: events.at(-1)?.sequence ?? events_after } };
  },
});

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
