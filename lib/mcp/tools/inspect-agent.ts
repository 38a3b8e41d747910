import { type AgentTool, reads } from "../tool.ts";

/** All that is known of one of them. */
export const inspectAgent: AgentTool = {
  name: "inspect_agent",
  forJobs: true,
  title: "Inspect an agent",
  description:
    "Shows an agent whole: its standing instructions, tools and limits, the checks that it passes or not, and the beginnings of the files that guide it.",
  annotations: reads,
  flatErrors: true,
  call: (agents, given) => agents.inspect(given),
};
