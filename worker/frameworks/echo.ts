import type { Framework } from "./framework.ts";

/** Answers with its prompt: shows that everything around an agent works. */
export const echo: Framework = async (task, job) => {
  job.emit({ type: "task.progress", message: "echo has read the prompt", payload: { characters: task.prompt.length } });
  return { result: { output: task.prompt, outcome: null } };
};
