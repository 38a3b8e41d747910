import type { ToolName, toolSchemas } from "./index.ts";

/** The same for each tool by itself: to read all of the contract takes a command longer than to ask for what it shows. */
const loaders: { readonly [Name in ToolName]: () => Promise<(typeof toolSchemas)[Name]> } = {
  spawn_cloud_agent: async () => (await import("./spawn-cloud-agent.ts")).spawnCloudAgent,
  wait_for_task: async () => (await import("./wait-for-task.ts")).waitForTask,
  get_task_result: async () => (await import("./get-task-result.ts")).getTaskResult,
  get_task_logs: async () => (await import("./get-task-logs.ts")).getTaskLogs,
  get_task_status: async () => (await import("./get-task-status.ts")).getTaskStatus,
  list_tasks: async () => (await import("./list-tasks.ts")).listTasks,
  cancel_task: async () => (await import("./cancel-task.ts")).cancelTask,
  send_task_input: async () => (await import("./send-task-input.ts")).sendTaskInput,
  a2a_send: async () => (await import("./a2a-send.ts")).a2aSend,
  dispatch_task: async () => (await import("./dispatch-task.ts")).dispatchTask,
  check_cloud_agent_runtime: async () => (await import("./check-cloud-agent-runtime.ts")).checkCloudAgentRuntime,
  list_providers: async () => (await import("./catalog.ts")).listProviders,
  list_capabilities: async () => (await import("./catalog.ts")).listCapabilities,
  list_account_profiles: async () => (await import("./catalog.ts")).listAccountProfiles,
  list_agents: async () => (await import("./agents.ts")).listAgents,
  inspect_agent: async () => (await import("./agents.ts")).inspectAgent,
  add_agent: async () => (await import("./agents.ts")).addAgent,
  update_agent: async () => (await import("./agents.ts")).updateAgent,
  remove_agent: async () => (await import("./agents.ts")).removeAgent,
};

/** What one tool takes and gives, as `toolSchemas` has it. */
export const loadSchemas = <Name extends ToolName>(tool: Name): Promise<(typeof toolSchemas)[Name]> => loaders[tool]();
