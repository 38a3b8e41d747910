import { ownEvent, type TaskEvent } from "../../contract/events.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import type { Orchestration } from "../../contract/orchestration/state.ts";
import type { Task } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import { childrenOf, describe, type End } from "./next.ts";

/** Of the children that ended together, so many are named. */
const MOST_NAMED = 50;

/** How far it is, and the number of the event that says so: each is the last one's successor. */
export function progressOf(
  specification: Specification,
  state: Orchestration,
  { sequence = FIRST_WORKER_SEQUENCE - 1, ends, nowMs }: { sequence?: number; ends: readonly End[]; nowMs: number },
): Required<Pick<Task, "progress" | "workerSequence">> {
  const { succeeded, failed, cancelled } = state;
  const workerSequence = sequence + 1;
  const named = ends.slice(0, MOST_NAMED).map(({ position, id, status }) => ({ position, taskId: id, status }));
  const counts = { total: childrenOf(specification), begun: state.begun, succeeded, failed, cancelled };
  return {
    workerSequence,
    progress: {
      message: describe(specification, state),
      sequence: workerSequence,
      timestamp: new Date(nowMs).toISOString(),
      payload: { ...counts, ...(named.length > 0 && { ended: named }) },
    },
  };
}

/** The event that says it; it follows from the record alone, so whoever comes after a dead process writes the same. */
export const progressEvent = ({ id, progress }: Pick<Task, "id" | "progress">): TaskEvent[] =>
  progress ? [{ taskId: id, type: "task.progress", ...progress }] : [];

/** What was told until the first child ended. */
export function firstEvents(task: Task): TaskEvent[] {
  const atMs = Date.parse(task.createdAt);
  return [ownEvent(task.id, "task.created", atMs), ownEvent(task.id, "task.started", atMs)];
}

/** What is to be told before the next event, of which all but the last has been told. */
export const eventsUntil = (task: Task): TaskEvent[] => [
  ...(task.workerSequence <= FIRST_WORKER_SEQUENCE ? firstEvents(task) : []),
  ...progressEvent(task),
];
