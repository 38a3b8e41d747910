import { reads, type Tool } from "../tool.ts";

/** What tasks took and cost. */
export const getUsage: Tool = {
  name: "get_usage",
  title: "Tell what tasks took and cost",
  description:
    "Tells what your tasks that have ended took and cost, together and by agent, profile, day, task, turn, conversation or tree: tokens, what models cost as their frameworks said, how long they took, and, of those in the cloud, an estimate of the rest, marked as such.",
  annotations: reads,
  toolset: "all",
  call: (tasks, given) => tasks.usage(given),
};
