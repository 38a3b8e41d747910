import { reads, type Said, type Tool } from "../../tool.ts";

/** Tools of the toolset `agents` for what was dispatched. */
const ofJobs = {
  annotations: reads,
  toolset: "agents",
  flatErrors: true,
  forJobs: true,
} as const satisfies Partial<Said>;

/** How a job stands. */
export const dispatchStatus: Tool = {
  ...ofJobs,
  name: "dispatch_status",
  title: "Look at a job",
  description: "Shows how a job stands, with the last lines of what its agent said, and its result once it has ended.",
  call: (tasks, given) => tasks.jobs.dispatchStatus(given),
};

/** Waits for a job. */
export const dispatchWait: Tool = {
  ...ofJobs,
  name: "dispatch_wait",
  title: "Wait for a job",
  description:
    "As dispatch_status, once the job has ended; with timed_out_waiting when the time is over first: call again.",
  notifies: "always",
  call: (tasks, given, waiting) => tasks.jobs.dispatchWait(given, waiting),
};

/** Ends a job. */
export const dispatchCancel: Tool = {
  ...ofJobs,
  name: "dispatch_cancel",
  title: "Cancel a job",
  description: "Ends a job that waits or runs, with all that its agent has started, and says whether it is over.",
  annotations: { readOnlyHint: false, idempotentHint: true, destructiveHint: true, openWorldHint: false },
  call: (tasks, given) => tasks.jobs.dispatchCancel(given),
};

/** The newest jobs. */
export const dispatchJobs: Tool = {
  ...ofJobs,
  name: "dispatch_jobs",
  title: "List jobs",
  description: "Lists the newest jobs, however they were dispatched. cursor: there are more.",
  isList: true,
  call: (tasks, given) => tasks.jobs.dispatchJobs(given),
};

/** What a job came to. */
export const fetchResult: Tool = {
  ...ofJobs,
  name: "fetch_result",
  title: "Fetch a result",
  description: "The result behind a ref or job_id; what is cut off follows from offset: next_offset on.",
  call: (tasks, given) => tasks.jobs.fetchResult(given),
};
