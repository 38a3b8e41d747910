import type { Tool } from "../tool.ts";

/** Stops everything of the caller. */
export const stopAll: Tool = {
  name: "stop_all",
  title: "Stop everything",
  description:
    "Cancels all of your tasks, queued and running, ends their sessions and deletes the runtimes made only for them. Without " +
    "confirm: true nothing is stopped, and the answer says what would be. Tells what was verified as stopped, what is still " +
    "under way, and what could not be verified.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: true },
  toolset: "all",
  call: (tasks, given) => tasks.stopAll(given),
};
