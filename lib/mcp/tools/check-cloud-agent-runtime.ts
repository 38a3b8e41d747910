import { reads, type Tool } from "../tool.ts";

/** Says whether an agent task could run, before one is dispatched. */
export const checkCloudAgentRuntime: Tool = {
  name: "check_cloud_agent_runtime",
  forJobs: true,
  title: "Check a runtime",
  description:
    "Checks whether a runtime profile or account can run tasks, without starting any: configuration, policy, and with " +
    "live the platform itself. Each check is pass, warn or fail with its reason.",
  annotations: { ...reads, openWorldHint: true },
  call: (tasks, given) => tasks.check(given),
};
