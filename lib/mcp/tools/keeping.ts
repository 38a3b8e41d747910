import { reads, type Tool } from "../tool.ts";

/** How the answers are used that the same requests may have again. */
export const cacheStats: Tool = {
  name: "cache_stats",
  title: "Show the cache of answers",
  description: "Shows how many answers are kept for the same request again, and how often one was of use.",
  annotations: reads,
  toolset: "agents",
  flatErrors: true,
  call: (tasks, given) => tasks.cacheStats(given),
};

/** Forgets them. */
export const cacheClear: Tool = {
  name: "cache_clear",
  title: "Clear the cache of answers",
  description: "Forgets them, so that the same request runs anew.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: false },
  toolset: "agents",
  flatErrors: true,
  call: (tasks, given) => tasks.clearCache(given),
};

/** Removes tasks that nobody wants any more. */
export const dispatchGc: Tool = {
  name: "dispatch_gc",
  title: "Remove old tasks",
  description:
    "Removes your tasks that ended longer ago than max_age_days, with their results, for good; ask the person first, and see what dry_run says.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: false },
  toolset: "agents",
  flatErrors: true,
  call: (tasks, given) => tasks.removeEnded(given),
};
