import type { AgentTool } from "../tool.ts";

/** Registers a folder as an agent's, which trusts it. */
export const addAgent: AgentTool = {
  name: "add_agent",
  title: "Add an agent",
  description:
    "Makes an agent of a project folder, in the configuration file. From then on the folder is trusted: its settings, hooks, instructions and MCP servers steer the agent, with the rights and keys of the person. Ask the person first, and never add a folder that somebody else wrote.",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: false },
  flatErrors: true,
  call: (agents, given) => agents.add(given),
};
