import type { Tool } from "../tool.ts";

/** Pauses and resumes the admission of the caller's tasks. */
export const setAdmission: Tool = {
  name: "set_admission",
  title: "Pause or resume admission",
  description:
    "pause: your tasks are taken and queued, and none begins; what runs goes on. resume: what waits begins. Without an action " +
    "it says whether admission is paused, and by whom.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: false, openWorldHint: true },
  toolset: "all",
  call: (tasks, given) => tasks.setAdmission(given),
};
