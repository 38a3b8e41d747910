import type { Agents } from "../../agents/service.ts";
import type { Caller, TaskService } from "../../engine/service.ts";
import { listed } from "../listing.ts";
import { madeNoTask, taskAnswer, taskIn } from "../tasks/answer.ts";
import type { AgentTool, ServedTool, Tool, ToolOf } from "../tool.ts";
import { callTool } from "./call-tool.ts";

/** The tool, where `of` has what it acts on. */
const serve = <Of>(tool: ToolOf<Of>, of: (caller: Caller, trace?: string) => Of): ServedTool => ({
  name: tool.name,
  listed: () => listed(tool),
  ...(tool.toolset && { toolset: tool.toolset }),
  ...(tool.notifies && { notifies: tool.notifies }),
  ...(tool.forJobs && { forJobs: true }),
  call: (scope, context) =>
    callTool(tool, (given, waiting) => tool.call(of(scope.caller, scope.trace), given, waiting), scope, context),
});

/** The same of a tool for agents; where nobody changes them by a call, no list has what would. */
export const serveAgents = (tool: AgentTool, of: (caller: Caller) => Agents, areFixed: boolean): ServedTool => ({
  ...serve(tool, of),
  ...(areFixed && { toolset: "agents", isHidden: !tool.annotations.readOnlyHint }),
});

/** The same of a tool for tasks, which may answer with one. */
export function serveTask(tool: Tool, tasksOf: (caller: Caller) => TaskService): ServedTool {
  const served = serve(tool, tasksOf);
  const { asTask } = tool;
  if (!asTask) return served;
  return {
    ...served,
    taskSupport: "optional",
    call: async (scope, context) => {
      if (!scope.call.takesTask) return served.call(scope, context);
      const tasks = tasksOf(scope.caller);
      const answer = await callTool(tool, (given, waiting) => asTask(tasks, given, waiting), scope, context);
      const taskId = taskIn(answer);
      if (taskId !== undefined) return taskAnswer(tasks, scope, taskId);
      if (scope.era === "legacy") throw madeNoTask(answer);
      return answer;
    },
  };
}
