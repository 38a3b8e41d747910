import type { Tool } from "../tool.ts";

/** Says something to the agent of a task. */
export const a2aSend: Tool = {
  name: "a2a_send",
  forJobs: true,
  title: "Tell an agent",
  description: "Answers a task in input_required, or tells its agent more while it runs. A late reply is in the log.",
  toolset: "all",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  call: (tasks, given, { signal }) => tasks.send(given, { signal }),
};
