import { reads, type Tool } from "../tool.ts";

/** Waits until a task has ended or needs input. */
export const waitForTask: Tool = {
  name: "wait_for_task",
  forJobs: true,
  title: "Wait for a task",
  description:
    "Waits until a task has ended or needs input and returns its record, or one with timedOutWaiting: true when the time is " +
    "over first: then call again.",
  annotations: reads,
  notifies: "progress",
  call: (tasks, given, waiting) => tasks.wait(given, waiting),
  // The client waits by itself.
  asTask: (tasks, given) => tasks.wait(given, { signal: AbortSignal.abort() }),
};
