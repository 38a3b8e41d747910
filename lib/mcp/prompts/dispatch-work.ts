import type { ServedPrompt } from "../features/prompts.ts";

/** Hands work to an agent, sees it through and tells what came of it. */
export const dispatchWork: ServedPrompt = {
  prompt: {
    name: "dispatch-work",
    title: "Dispatch work to an agent",
    description: "Hands work to an agent that runs in the background, follows it and tells what came of it.",
    arguments: [
      { name: "work", description: "What is to be done, complete in itself", required: true },
      { name: "runtime", description: "The runtime profile or agent that does it; left out, the default one" },
    ],
  },
  get: (_scope, { work = "", runtime = "" }) => ({
    description: "Work for an agent in the background",
    messages: [{ role: "user", content: { type: "text", text: wordsFor(work, runtime) } }],
  }),
};

const wordsFor = (
  work: string,
  runtime: string,
): string => `Dispatch this work as a background task; do not do it yourself.

1. Call spawn_cloud_agent${runtime === "" ? "" : ` with runtime ${JSON.stringify(runtime)}`}. Its instruction must be complete in itself: the agent knows nothing of this conversation. If it asks for something, answer what you know and ask me for the rest.
2. Tell me the taskId at once.
3. Call wait_for_task until the task has ended. If it needs input, ask me, and send my answer with send_task_input.
4. Call get_task_result and tell me what came of it, with the files it left. If it failed, tell me why and what helps.

The work:

${work}`;
