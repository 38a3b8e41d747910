import { reads, type Tool } from "../tool.ts";

/** Waits until a task has ended or needs input. */
export const waitForTask: Tool = {
  name: "wait_for_task",
  title: "Wait for a task",
  description:
    "Waits until a task has ended or needs input and returns its record. When the time is over first, the record has " +
    "timedOutWaiting: true: call again to go on waiting; the task is not affected.",
  annotations: reads,
  call: (tasks, given, waiting) => tasks.wait(given, waiting),
};
