import {
  type BuiltInFramework,
  builtInFramework,
  builtInFrameworks,
  commandFrameworks,
  frameworkNames,
} from "../../../contract/frameworks.ts";
import type { FrameworkState } from "../../../contract/tools/framework-state.ts";
import type { InstalledPrograms } from "./installed-programs.ts";

type Environment = Record<string, string>;

/** Those that every worker of this machine has, without a program of their own. */
const always: readonly BuiltInFramework[] = ["strands", "echo"];

/** Names of the frameworks of sessions with that environment. */
export const frameworksIn = (programs: InstalledPrograms, env: Environment): string[] =>
  frameworkNames(env, [...programs.names(env), ...always]);

/** The state of one framework, or of all: of ours, installed or not, and of those that are commands. Never throws. */
export function inspect(
  programs: InstalledPrograms,
  environmentOf: (framework: string) => Environment,
  only?: string,
): Promise<FrameworkState[]> {
  const commands = commandFrameworks(environmentOf(""));
  const ours = Object.keys(builtInFrameworks).filter(
    (name) => builtInFramework(name)?.program !== undefined || always.some((own) => own === name),
  ) as BuiltInFramework[];
  const own = ours
    .filter((name) => !commands.includes(name) && (only === undefined || name === only))
    .map((name) => programs.state(name, environmentOf(name)));
  const configured = commands
    .filter((name) => only === undefined || name === only)
    .map(async (name): Promise<FrameworkState> => ({ name, status: "ready", message: "a command that is configured" }));
  return Promise.all([...own, ...configured]);
}
