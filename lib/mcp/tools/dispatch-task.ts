import type { Tool } from "../tool.ts";

/** Dispatches a task with everything said explicitly. */
export const dispatchTask: Tool = {
  name: "dispatch_task",
  forJobs: true,
  title: "Dispatch a task",
  description:
    "Runs a long-running task, a program (command.run) or an agent (agent.run), as a background job on another machine " +
    "that you name, and returns its handle at once (taskId). list_account_profiles and list_capabilities " +
    "show what to name. For agents, spawn_cloud_agent is simpler.",
  searchHint: "run command, build or tests as long background job on another machine",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: true },
  call: (tasks, given) => tasks.dispatch(given),
  asTask: (tasks, given) => tasks.dispatch(given),
};
