import { RefusedError } from "../lib/contract/errors.ts";
import { builtInFramework } from "../lib/contract/frameworks.ts";
import { agentJobSchema } from "../lib/contract/worker.ts";
import type { SessionConfig } from "./config.ts";
import { withDispatching } from "./dispatching.ts";
import { commandFramework } from "./frameworks/command.ts";
import type { Framework } from "./frameworks/framework.ts";
import { builtIn } from "./frameworks/registry.ts";
import { clip, parse } from "./parse.ts";
import { findProgram } from "./processes/find-program.ts";
import type { JobContext, Outcome } from "./runner.ts";

type Setup = Pick<SessionConfig, "frameworkCommands" | "jobEnv">;

/** The frameworks of this worker by name, loaded when used; a configured command may replace a built-in one. */
function frameworksOf({ frameworkCommands }: Setup): ReadonlyMap<string, () => Promise<Framework>> {
  const configured = [...frameworkCommands].map(
    ([name, words]) => [name, async () => commandFramework(words)] as const,
  );
  return new Map([...builtIn, ...configured]);
}

/** Names of those that can run here: of a program that somebody has to install, only where it is on the PATH of jobs. */
export function usableFrameworks(config: Setup): string[] {
  return [...frameworksOf(config).keys()].filter((name) => {
    const program = config.frameworkCommands.has(name) ? undefined : builtInFramework(name)?.program;
    return program === undefined || findProgram(program, config.jobEnv.PATH) !== undefined;
  });
}

/** Runs `agent.run` in the framework it names. There is no default: an echo would look like an answer. */
export async function runAgent(job: JobContext): Promise<Outcome> {
  const { task } = job;
  const input = parse(agentJobSchema, task.input, "input");
  const { framework: name = "" } = input;
  const load = frameworksOf(job.config).get(name);
  if (!load) {
    const available = usableFrameworks(job.config);
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
  const framework = await load();
  const runtimeTools = withDispatching(input.runtime_tools, job);
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
      ...(task.trusted && { trusted: true }),
      ...(input.model !== undefined && { model: input.model }),
      ...(runtimeTools && { runtimeTools }),
      ...(input.response_format && { responseFormat: input.response_format }),
    },
    job,
  );
}
