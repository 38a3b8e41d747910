import { reads, type Tool } from "../tool.ts";

/** What each registered adapter serves. */
export const listCapabilities: Tool = {
  name: "list_capabilities",
  forJobs: true,
  title: "List capabilities",
  description:
    "Lists what can run where: each adapter's provider, capability, task types, modes, protocols and needed settings.",
  annotations: reads,
  isList: true,
  call: (tasks, given) => tasks.capabilities(given),
};
