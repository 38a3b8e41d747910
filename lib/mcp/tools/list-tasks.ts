import { reads, type Tool } from "../tool.ts";

/** The caller's tasks, newest first. */
export const listTasks: Tool = {
  name: "list_tasks",
  forJobs: true,
  title: "List tasks",
  description: "Lists your tasks, also those of earlier conversations, newest first. cursor: there are more.",
  annotations: reads,
  call: (tasks, given) => tasks.list(given),
};
