import { reads, type Tool } from "../tool.ts";

/** The configured account profiles, without any secret. */
export const listAccountProfiles: Tool = {
  name: "list_account_profiles",
  forJobs: true,
  title: "List account profiles",
  description: "Lists the account profiles that tasks can run under, with their provider and region.",
  annotations: reads,
  isList: true,
  call: (tasks, given) => tasks.accounts(given),
};
