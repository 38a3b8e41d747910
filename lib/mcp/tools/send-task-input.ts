import type { Tool } from "../tool.ts";

/** Answers what a task asks, or steers its agent. */
export const sendTaskInput: Tool = {
  name: "send_task_input",
  forJobs: true,
  title: "Answer a task",
  description: "Answers a task in input_required, or steers its agent.",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  call: (tasks, given, { signal }) => tasks.input(given, { signal }),
};
