import { reads, type Tool } from "../tool.ts";

/** The output of a task, from a cursor on. */
export const getTaskLogs: Tool = {
  name: "get_task_logs",
  forJobs: true,
  title: "Read a task's output",
  description:
    "Returns the text that a task has printed, from a character cursor on. Go on with cursor: nextCursor; empty data: " +
    "nothing is new yet. logTruncated: the rest was not kept.",
  annotations: reads,
  call: (tasks, given, waiting) => tasks.logs(given, waiting),
};
