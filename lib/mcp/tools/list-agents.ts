import { type AgentTool, reads } from "../tool.ts";

/** The agents that live in folders of this machine. */
export const listAgents: AgentTool = {
  name: "list_agents",
  forJobs: true,
  title: "List agents",
  description:
    "Lists the agents, as those that live in project folders of this machine: what each is for, whether it can work, and what it usually takes and costs. Give one a task with spawn_cloud_agent, its name as runtime.",
  annotations: reads,
  isList: true,
  flatErrors: true,
  call: (agents, given) => agents.list(given),
};
