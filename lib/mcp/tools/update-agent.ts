import type { AgentTool } from "../tool.ts";

/** Changes what is configured of one. */
export const updateAgent: AgentTool = {
  name: "update_agent",
  title: "Change an agent",
  description:
    "Changes the fields of an agent that are given and takes away those that unset names. Another workspace is trusted from then on, as with add_agent: ask the person first.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: false },
  flatErrors: true,
  call: (agents, given) => agents.update(given),
};
