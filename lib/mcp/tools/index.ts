import type { AgentTool, Tool } from "../tool.ts";
import { a2aSend } from "./a2a-send.ts";
import { addAgent } from "./add-agent.ts";
import { cancelTask } from "./cancel-task.ts";
import { checkCloudAgentRuntime } from "./check-cloud-agent-runtime.ts";
import { dispatchTask } from "./dispatch-task.ts";
import { getTaskLogs } from "./get-task-logs.ts";
import { getTaskResult } from "./get-task-result.ts";
import { getTaskStatus, getTaskTree } from "./get-task-status.ts";
import { getUsage } from "./get-usage.ts";
import { addGroup, inspectGroup, listGroups, removeGroup, updateGroup } from "./groups.ts";
import { inspectAgent } from "./inspect-agent.ts";
import {
  dispatch,
  dispatchAsync,
  dispatchDialogue,
  dispatchParallel,
  dispatchSession,
  dispatchStream,
} from "./jobs/dispatching.ts";
import { dispatchCancel, dispatchJobs, dispatchStatus, dispatchWait, fetchResult } from "./jobs/jobs.ts";
import { cacheClear, cacheStats, dispatchGc } from "./keeping.ts";
import { listAccountProfiles } from "./list-account-profiles.ts";
import { listAgents } from "./list-agents.ts";
import { listCapabilities } from "./list-capabilities.ts";
import { listProviders } from "./list-providers.ts";
import { listSessions } from "./list-sessions.ts";
import { listTasks } from "./list-tasks.ts";
import { removeAgent } from "./remove-agent.ts";
import { sendTaskInput } from "./send-task-input.ts";
import { setAdmission } from "./set-admission.ts";
import { spawnCloudAgent } from "./spawn-cloud-agent.ts";
import { stopAll } from "./stop-all.ts";
import { updateAgent } from "./update-agent.ts";
import { waitForTask } from "./wait-for-task.ts";

/** Every tool for tasks, in the order in which they are listed. */
export const tools: readonly Tool[] = [
  spawnCloudAgent,
  waitForTask,
  getTaskResult,
  getTaskLogs,
  getTaskStatus,
  listTasks,
  cancelTask,
  sendTaskInput,
  a2aSend,
  dispatchTask,
  checkCloudAgentRuntime,
  listProviders,
  listCapabilities,
  listAccountProfiles,
  listSessions,
  stopAll,
  setAdmission,
  getUsage,
  getTaskTree,
  dispatchGc,
  cacheStats,
  cacheClear,
  listGroups,
  inspectGroup,
  dispatch,
  dispatchSession,
  dispatchParallel,
  dispatchStream,
  dispatchDialogue,
  dispatchAsync,
  dispatchStatus,
  dispatchWait,
  dispatchCancel,
  dispatchJobs,
  fetchResult,
];

/** Those for agents that live in folders, behind them: on one machine only. */
export const agentTools: readonly AgentTool[] = [
  listAgents,
  inspectAgent,
  addAgent,
  updateAgent,
  removeAgent,
  addGroup,
  updateGroup,
  removeGroup,
];
