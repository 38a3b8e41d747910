import { environmentVariables } from "./execution-environment.ts";
import { isObject } from "./json.ts";

/** The frameworks that every worker of ours has. */
const builtIn = ["echo"] as const;

/** The framework that a variable such as `AGENTDISPATCH_FRAMEWORK_COMMAND_MY_AGENT` makes: `my-agent`. */
export const frameworkOfVariable = (variable: string): string | undefined =>
  variable.startsWith(environmentVariables.frameworkCommandPrefix)
    ? variable.slice(environmentVariables.frameworkCommandPrefix.length).toLowerCase().replaceAll("_", "-")
    : undefined;

/** Names of the frameworks of a worker with that environment. What the worker would not start with names none. */
export function frameworkNames(environment: Readonly<Record<string, string | undefined>>): string[] {
  const configured = Object.keys(environment).flatMap((name) => frameworkOfVariable(name) ?? []);
  return [...new Set([...builtIn, ...listedNames(environment[environmentVariables.frameworkCommands]), ...configured])];
}

/** A framework that a worker with these does not have, and how it would; undefined when it has it. */
export function unknownFramework(
  framework: string,
  known: readonly string[],
): { name: string; status: "fail"; message: string } | undefined {
  if (known.includes(framework)) return undefined;
  const variable = `${environmentVariables.frameworkCommandPrefix}${framework.toUpperCase().replaceAll("-", "_")}`;
  const message =
    `the worker has no framework ${JSON.stringify(framework)}, it has: ${known.join(", ")}; ${variable} in the environment ` +
    "of the backend's details makes a command one";
  return { name: "framework", status: "fail", message };
}

function listedNames(json: string | undefined): string[] {
  try {
    const listed: unknown = JSON.parse(json ?? "{}");
    return isObject(listed) ? Object.keys(listed) : [];
  } catch {
    return [];
  }
}
