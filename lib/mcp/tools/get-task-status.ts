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

/** All that was set off together with a task. */
export const getTaskTree: Tool = {
  name: "get_task_tree",
  forJobs: true,
  title: "Show what a task set off",
  description:
    "Shows the whole tree that a task is in: what dispatched what, how each stands and what it cost, and what is left of the tree's " +
    "limits on tasks, depth, budget and time. cursor: there are more.",
  annotations: reads,
  toolset: "all",
  call: (tasks, given) => tasks.tree(given),
};
