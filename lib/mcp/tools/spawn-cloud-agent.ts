import type { Tool } from "../tool.ts";

/** Hands an instruction to an agent, or asks for what is missing. */
export const spawnCloudAgent: Tool = {
  name: "spawn_cloud_agent",
  forJobs: true,
  title: "Run an agent task",
  description:
    "Runs a long job in the background: hands a long-running task to an agent on another machine (cloud or local), and returns its " +
    "handle at once (taskId). Then wait_for_task, get_task_result. If the answer has status needs_clarification, " +
    "call again with the same fields and the answers added as fields named by each question's id.",
  searchHint: "run long job in background, long-running task, delegate work to agent on another machine, cloud",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  call: (tasks, given) => tasks.spawn(given),
  asTask: (tasks, given) => tasks.spawn(given),
};
