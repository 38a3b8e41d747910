import type { Said, Tool } from "../../tool.ts";

/** Tools of the toolset `agents` that hand tasks to agents, under the names that people with agents in folders know. */
const begins = {
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  toolset: "agents",
  flatErrors: true,
  forJobs: true,
} as const satisfies Partial<Said>;
/** Heard of all the while, so that nobody takes their silence for an end. */
const waits = { ...begins, notifies: "always" } as const satisfies Partial<Said>;

/** Hands a task to an agent. */
export const dispatch: Tool = {
  ...waits,
  name: "dispatch",
  title: "Ask an agent",
  description:
    "Gives an agent a task in its own project and waits for its answer. Where that takes longer than a call may, the answer has job_id and timed_out_waiting, and the agent goes on: dispatch_wait waits on.",
  call: (tasks, given, waiting) => tasks.jobs.dispatch(given, waiting),
};

/** The same in a conversation. */
export const dispatchSession: Tool = {
  ...waits,
  name: "dispatch_session",
  title: "Talk with an agent",
  description:
    "As dispatch, in a conversation: session_id of an earlier answer goes on with what the agent knows, also after a timeout.",
  call: (tasks, given, waiting) => tasks.jobs.dispatchSession(given, waiting),
};

/** The same, with news meanwhile. */
export const dispatchStream: Tool = {
  ...waits,
  name: "dispatch_stream",
  title: "Ask an agent, with progress",
  description: "As dispatch, and tells what the agent does meanwhile, as progress; the answer has the last of it.",
  logs: true,
  call: (tasks, given, waiting) => tasks.jobs.dispatchStream(given, waiting),
};

/** Hands tasks to several. */
export const dispatchParallel: Tool = {
  ...waits,
  name: "dispatch_parallel",
  title: "Ask several agents",
  description:
    "Gives tasks to several agents at the same time and waits for all: their answers in order, failures among them; with aggregate, one answer that an agent makes of all besides.",
  isList: true,
  call: (tasks, given, waiting) => tasks.jobs.dispatchParallel(given, waiting),
};

/** Lets two talk. */
export const dispatchDialogue: Tool = {
  ...waits,
  name: "dispatch_dialogue",
  title: "Let two agents talk",
  description: "Two agents take turns about a topic until one says [RESOLVED], or the rounds are over.",
  call: (tasks, given, waiting) => tasks.jobs.dispatchDialogue(given, waiting),
};

/** Hands a task to an agent, and does not wait. */
export const dispatchAsync: Tool = {
  ...begins,
  name: "dispatch_async",
  title: "Begin a job",
  description: "Gives an agent a task and answers at once, with job_id. Then dispatch_wait or dispatch_status.",
  call: (tasks, given) => tasks.jobs.dispatchAsync(given),
};
