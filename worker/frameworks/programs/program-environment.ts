import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { type BuiltInFramework, frameworkEnvironment } from "../../../lib/contract/frameworks.ts";
import { TRACEPARENT } from "../../../lib/contract/observation/trace.ts";
import { jobEnv } from "../../job-env.ts";
import { absolutePath } from "../../processes/find-program.ts";
import type { JobContext } from "../../runner.ts";

/** What every program may see: where it is and who it works for, and no credential. */
const EVERYBODYS = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TERM|TMPDIR|NODE_EXTRA_CA_CERTS)$/;
/** What a job of ours knows of itself; the first two mark its processes. */
const OURS: ReadonlySet<string> = new Set([
  environmentVariables.taskId,
  environmentVariables.sessionMarker,
  environmentVariables.depth,
  environmentVariables.artifactsDir,
  environmentVariables.inputFile,
  environmentVariables.platform,
  TRACEPARENT,
]);

/**
 * The environment of an agent's program, by allow-list: what everybody may see, what the table says that this framework's
 * program needs, what the configuration or the task gives by name, and the marks of the task. In a container the role is
 * there to be used.
 */
export function programEnvironment(
  framework: BuiltInFramework,
  model: unknown,
  job: JobContext,
): Record<string, string> {
  const { config, task } = job;
  const env = jobEnv(job);
  const chosenBy = isPersonsHome(env) ? env : { CLAUDE_CODE_USE_BEDROCK: "1", ...env };
  const own = frameworkEnvironment(framework, env, { model, chosenBy });
  const given = new Set([...config.givenNames, ...Object.keys(task.env ?? {})]);
  const isAllowed = (name: string) => EVERYBODYS.test(name) || OURS.has(name) || given.has(name);
  const allowed = Object.fromEntries(Object.entries(env).filter(([name]) => isAllowed(name)));
  // Nor may an interpreter that a program names be looked for in the workspace.
  return { ...own, ...allowed, PATH: absolutePath(env.PATH) };
}

/**
 * Whether the home is that of the person on whose machine this runs, and stays: sessions are marked there and nowhere else.
 */
export const isPersonsHome = (env: Readonly<Record<string, string>>): boolean =>
  env[environmentVariables.sessionMarker] !== undefined;
