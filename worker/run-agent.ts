import { RefusedError } from "../lib/contract/errors.ts";
import { agentInputSchema } from "../lib/contract/worker.ts";
import type { SessionConfig } from "./config.ts";
import { commandFramework } from "./frameworks/command.ts";
import { echo } from "./frameworks/echo.ts";
import type { Framework } from "./frameworks/framework.ts";
import { clip, parse } from "./parse.ts";
import type { JobContext, Outcome } from "./runner.ts";

const builtIn: Record<string, Framework> = { echo };

/** The frameworks of this worker by name; a configured command may replace a built-in one. */
export function frameworksOf(config: Pick<SessionConfig, "frameworkCommands">): Map<string, Framework> {
  const configured = [...config.frameworkCommands].map(([name, words]) => [name, commandFramework(words)] as const);
  return new Map([...Object.entries(builtIn), ...configured]);
}

/** Runs `agent.run` in the framework it names. There is no default: an echo would look like an answer. */
export async function runAgent(job: JobContext): Promise<Outcome> {
  const { task } = job;
  const input = parse(agentInputSchema, task.input, "input");
  const { framework: name = "" } = input;
  const frameworks = frameworksOf(job.config);
  const framework = frameworks.get(name);
  if (!framework) {
    const available = [...frameworks.keys()];
    const what =
      name === "" ? "no framework is named" : `this worker has no framework ${JSON.stringify(clip(name, 100))}`;
    throw new RefusedError(name === "" ? "task.framework_missing" : "task.framework_unknown", what, {
      hint: `framework can be: ${clip(available.join(", "), 1000)}`,
      details: { available },
    });
  }
  if (input.timeoutSeconds !== undefined) job.limitTo(input.timeoutSeconds);
  const context = task.context ?? input.context;
  const { taskId, taskType, metadata, limits, depth, prompt = input.instruction } = task;
  return framework(
    {
      taskId,
      taskType,
      prompt,
      input,
      framework: name,
      limits,
      depth,
      ...(context && { context }),
      ...(metadata && { metadata }),
      ...(input.model !== undefined && { model: input.model }),
      ...(input.runtime_tools && { runtimeTools: input.runtime_tools }),
    },
    job,
  );
}
