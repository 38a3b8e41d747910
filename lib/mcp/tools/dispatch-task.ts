import type { Tool } from "../tool.ts";

/** Dispatches a task with everything said explicitly. */
export const dispatchTask: Tool = {
  name: "dispatch_task",
  title: "Dispatch a task",
  description:
    "Starts a long-running task, a program (command.run) or an agent (agent.run), as a background job on another machine " +
    "(cloud or local) that you name, and returns its handle at once (taskId). list_account_profiles and list_capabilities " +
    "show what to name. For agents with a runtime profile, spawn_cloud_agent is simpler. Then wait_for_task, " +
    "get_task_logs, get_task_result.",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: true },
  call: (tasks, given) => tasks.dispatch(given),
};
