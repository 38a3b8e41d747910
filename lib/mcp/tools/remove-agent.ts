import type { AgentTool } from "../tool.ts";

/** Takes one out of the configuration. */
export const removeAgent: AgentTool = {
  name: "remove_agent",
  title: "Remove an agent",
  description: "Takes an agent out of the configuration file. Its folder stays as it is, and so do its tasks.",
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: false },
  flatErrors: true,
  call: (agents, given) => agents.remove(given),
};
