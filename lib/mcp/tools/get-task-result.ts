import { reads, type Tool } from "../tool.ts";

/** What a task came to. */
export const getTaskResult: Tool = {
  name: "get_task_result",
  title: "Get a task's result",
  description:
    "Returns the result of a task that has ended, its artifacts with their addresses, and its error if it failed. On one " +
    "that has not ended: only its status. A long result is a preview, named in previews, and resultRef says where the whole is. " +
    "artifactsNextCursor is there when there are more artifacts.",
  annotations: reads,
  call: (tasks, given) => tasks.result(given),
};
