import type * as z from "zod";
import { a2aSend } from "./a2a-send.ts";
import { addAgent, inspectAgent, listAgents, removeAgent, updateAgent } from "./agents.ts";
import { cacheClear, cacheStats } from "./answer-cache.ts";
import { cancelTask } from "./cancel-task.ts";
import { listAccountProfiles, listCapabilities, listProviders } from "./catalog.ts";
import { checkCloudAgentRuntime } from "./check-cloud-agent-runtime.ts";
import { dispatchTask } from "./dispatch-task.ts";
import { dispatchGc } from "./gc.ts";
import { getTaskLogs } from "./get-task-logs.ts";
import { getTaskResult } from "./get-task-result.ts";
import { getTaskStatus, getTaskTree } from "./get-task-status.ts";
import { addGroup, inspectGroup, listGroups, removeGroup, updateGroup } from "./groups.ts";
import {
  dispatch,
  dispatchAsync,
  dispatchDialogue,
  dispatchParallel,
  dispatchSession,
  dispatchStream,
} from "./jobs/dispatching.ts";
import { dispatchCancel, dispatchJobs, dispatchStatus, dispatchWait, fetchResult } from "./jobs/jobs.ts";
import { listTasks } from "./list-tasks.ts";
import type { ToolSchemas } from "./schemas.ts";
import { sendTaskInput } from "./send-task-input.ts";
import { spawnCloudAgent } from "./spawn-cloud-agent.ts";
import { listSessions, setAdmission, stopAll } from "./stopping.ts";
import { getUsage } from "./usage.ts";
import { waitForTask } from "./wait-for-task.ts";

/** What each tool takes and gives: the server, its service and the clients read the same. */
export const toolSchemas = {
  spawn_cloud_agent: spawnCloudAgent,
  wait_for_task: waitForTask,
  get_task_result: getTaskResult,
  get_task_logs: getTaskLogs,
  get_task_status: getTaskStatus,
  list_tasks: listTasks,
  cancel_task: cancelTask,
  send_task_input: sendTaskInput,
  a2a_send: a2aSend,
  dispatch_task: dispatchTask,
  check_cloud_agent_runtime: checkCloudAgentRuntime,
  list_providers: listProviders,
  list_capabilities: listCapabilities,
  list_account_profiles: listAccountProfiles,
  list_sessions: listSessions,
  stop_all: stopAll,
  set_admission: setAdmission,
  get_usage: getUsage,
  get_task_tree: getTaskTree,
  dispatch_gc: dispatchGc,
  cache_stats: cacheStats,
  cache_clear: cacheClear,
  list_agents: listAgents,
  inspect_agent: inspectAgent,
  add_agent: addAgent,
  update_agent: updateAgent,
  remove_agent: removeAgent,
  list_groups: listGroups,
  inspect_group: inspectGroup,
  add_group: addGroup,
  update_group: updateGroup,
  remove_group: removeGroup,
  dispatch,
  dispatch_session: dispatchSession,
  dispatch_parallel: dispatchParallel,
  dispatch_stream: dispatchStream,
  dispatch_dialogue: dispatchDialogue,
  dispatch_async: dispatchAsync,
  dispatch_status: dispatchStatus,
  dispatch_wait: dispatchWait,
  dispatch_cancel: dispatchCancel,
  dispatch_jobs: dispatchJobs,
  fetch_result: fetchResult,
} satisfies Record<string, ToolSchemas>;

export type ToolName = keyof typeof toolSchemas;
/** The arguments of a tool, as a caller writes them. */
export type ToolArguments<Name extends ToolName> = z.input<(typeof toolSchemas)[Name]["input"]>;
export type ToolResult<Name extends ToolName> = z.output<(typeof toolSchemas)[Name]["output"]>;
