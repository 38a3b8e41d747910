import { type AgentTool, reads, type Tool } from "../tool.ts";

const writes = { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: false };

/** The groups of agents that work on one thing. */
export const listGroups: Tool = {
  name: "list_groups",
  forJobs: true,
  title: "List groups of agents",
  description:
    "Lists the groups of agents that work on one thing: how to work with each, and what its members are for. Give a member a task with its name as runtime and that of the group as group, and it is told the facts that the group shares.",
  annotations: reads,
  toolset: "agents",
  flatErrors: true,
  isList: true,
  call: (tasks, given) => tasks.groups(given),
};

/** All that is known of a group. */
export const inspectGroup: Tool = {
  name: "inspect_group",
  forJobs: true,
  title: "Show a group of agents",
  description: "Shows how to work with a group, the facts that its members share, and its members.",
  annotations: reads,
  toolset: "agents",
  flatErrors: true,
  call: (tasks, given) => tasks.group(given),
};

/** Makes a group. */
export const addGroup: AgentTool = {
  name: "add_group",
  title: "Make a group of agents",
  description:
    "Makes a group of agents that are there, in the configuration file. Its shared context is told to each member with each task that is dispatched for the group: ask the person first.",
  annotations: writes,
  toolset: "all",
  call: (agents, given) => agents.addGroup(given),
};

/** Changes a group. */
export const updateGroup: AgentTool = {
  name: "update_group",
  title: "Change a group of agents",
  description: "Changes the brief, the shared context or the members of a group; an empty text takes one away.",
  annotations: { ...writes, idempotentHint: true },
  toolset: "all",
  call: (agents, given) => agents.updateGroup(given),
};

/** Takes a group away. */
export const removeGroup: AgentTool = {
  name: "remove_group",
  title: "Remove a group of agents",
  description: "Takes a group out of the configuration file; its agents stay.",
  annotations: writes,
  toolset: "all",
  call: (agents, given) => agents.removeGroup(given),
};
