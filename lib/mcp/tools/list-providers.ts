import { reads, type Tool } from "../tool.ts";

/** The providers of the configured accounts. */
export const listProviders: Tool = {
  name: "list_providers",
  forJobs: true,
  title: "List providers",
  description: "Lists the providers that tasks can run on.",
  annotations: reads,
  isList: true,
  call: (tasks, given) => tasks.providers(given),
};
