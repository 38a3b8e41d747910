import { reads, type Tool } from "../tool.ts";

/** What a task came to. */
export const getTaskResult: Tool = {
  name: "get_task_result",
  forJobs: true,
  title: "Get a task's result",
  description:
    "Returns the result of a task that has ended, its artifacts with their addresses, and its error; before the end only " +
    "its status. A long result is a preview: offset and max_chars read its text in pages, nextOffset goes on. " +
    "artifactsNextCursor: there are more.",
  annotations: reads,
  call: (tasks, given) => tasks.result(given),
};
