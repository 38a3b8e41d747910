import { reads, type Tool } from "../tool.ts";

/** The record of a task as it stands. */
export const getTaskStatus: Tool = {
  name: "get_task_status",
  forJobs: true,
  title: "Look at a task",
  description:
    "Returns the record of a task as it stands, without waiting: status, phases with times, progress, queue position, " +
    "error; with events_after also its events. get_task_result has the result.",
  annotations: reads,
  call: (tasks, given) => tasks.status(given),
};
