import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { TRACEPARENT } from "../lib/contract/observation/trace.ts";
import { invalidInput } from "./parse.ts";
import type { Mark } from "./processes/processes.ts";
import type { JobContext } from "./runner.ts";

/** The environment of a job's processes: the worker's, the task's, the call's, and what marks them as the task's. */
export function jobEnv({ config, task, folder }: JobContext, own: Record<string, string> = {}): Record<string, string> {
  const marker = config.jobEnv[environmentVariables.sessionMarker];
  return {
    ...config.jobEnv,
    // A call may have said another one by that name.
    ...(task.traceparent !== undefined && { [TRACEPARENT]: task.traceparent }),
    ...task.env,
    ...own,
    ...(marker !== undefined && { [environmentVariables.sessionMarker]: marker }),
    [environmentVariables.taskId]: task.taskId,
    [environmentVariables.depth]: String(task.depth),
    [environmentVariables.artifactsDir]: folder.artifacts,
    [environmentVariables.inputFile]: folder.inputFile,
  };
}

/** What tells a job's processes from all others: their task, and their session where that is marked. */
export function marksOf(env: Readonly<Record<string, string>>): Mark[] {
  const [task, session] = [env[environmentVariables.taskId], env[environmentVariables.sessionMarker]];
  if (!task) throw new Error(`a job's environment must name its task in ${environmentVariables.taskId}`);
  return [
    [environmentVariables.taskId, task],
    ...(session === undefined ? [] : [[environmentVariables.sessionMarker, session] as const]),
  ];
}

/** Refuses what no process can be given. */
export function checkEnv(env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name)) throw invalidInput("env", `${JSON.stringify(name)} cannot name a variable`);
    if (value.includes("\0")) throw invalidInput(`env.${name.slice(0, 100)}`, "a value cannot hold a NUL character");
  }
}
