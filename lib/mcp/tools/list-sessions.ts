import { reads, type Tool } from "../tool.ts";

/** What runs or bills now. */
export const listSessions: Tool = {
  name: "list_sessions",
  title: "List what runs or bills",
  description:
    "Lists what runs or bills right now: your tasks with a session, how long each has had it, and what only waits or is on " +
    "its way out. stop_all stops it.",
  annotations: reads,
  toolset: "all",
  call: (tasks, given) => tasks.sessions(given),
};
