import type { Tool } from "../tool.ts";

/** Hands an instruction to an agent, or asks for what is missing. */
export const spawnCloudAgent: Tool = {
  name: "spawn_cloud_agent",
  title: "Run an agent task",
  description:
    "Hands a long-running task to an agent, as a background job on another machine (cloud or local), and returns its " +
    "handle at once (taskId). Then wait_for_task, get_task_result. If the answer has status needs_clarification, " +
    "call again with the same fields and the answers added as fields named by each question's id.",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  call: (tasks, given) => tasks.spawn(given),
  asTask: (tasks, given) => tasks.spawn(given),
};
