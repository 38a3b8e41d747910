import { own } from "../contract/configuration.ts";
import { InvalidInputError } from "../contract/errors.ts";
import { settings } from "../contract/execution-environment.ts";
import type { BackendAdapter, Check, Placement } from "../engine/ports.ts";

type Adapters = Readonly<Record<string, BackendAdapter>>;
type Chosen = Placement & { framework?: string | undefined };

/** The frameworks that every worker of ours has. */
const builtIn = ["echo"] as const;

/** The framework that a variable such as `AGENTDISPATCH_FRAMEWORK_COMMAND_MY_AGENT` makes: `my-agent`. */
export const frameworkOfSetting = (setting: string): string | undefined =>
  setting.startsWith(settings.frameworkCommandPrefix)
    ? setting.slice(settings.frameworkCommandPrefix.length).toLowerCase().replaceAll("_", "-")
    : undefined;

/** Names of the frameworks of a worker with that environment. What the worker would not start with names none. */
export function frameworkNames(environment: Readonly<Record<string, string | undefined>>): string[] {
  const configured = Object.keys(environment).flatMap((setting) => frameworkOfSetting(setting) ?? []);
  return [...new Set([...builtIn, ...listedNames(environment[settings.frameworkCommands]), ...configured])];
}

/** Names of the frameworks to choose from; undefined where the runtime is not of ours, or not known to be. */
export const frameworkChoices = (adapters: Adapters, placement: Placement): readonly string[] | undefined =>
  own(adapters, placement.backend)?.frameworks(placement);

/** Refuses an agent where our worker has no such framework, or none is named. Throws InvalidInputError with the choices. */
export function refuseUnknownFramework(adapters: Adapters, placement: Placement, framework: unknown): void {
  const choices = frameworkChoices(adapters, placement);
  if (!choices) return;
  const message =
    framework === undefined
      ? `is required; there are: ${choices.join(", ")}`
      : unknownFramework(String(framework), choices)?.message;
  if (message !== undefined) throw new InvalidInputError([{ path: "input.framework", message }], { hint: ECHO });
}

/** Which framework would run an agent there, and whether our worker has it. */
export function frameworkCheck(adapters: Adapters, chosen: Chosen): Check[] {
  const choices = frameworkChoices(adapters, chosen);
  if (!choices) return [];
  const there = choices.join(", ");
  if (chosen.framework !== undefined) {
    const unknown = unknownFramework(chosen.framework, choices);
    if (unknown) return [unknown];
    const also = choices.filter((name) => name !== chosen.framework).join(", ");
    return [
      { name: "framework", status: "pass", message: `${chosen.framework}${also && `; there are also: ${also}`}` },
    ];
  }
  return [
    { name: "framework", status: "warn", message: `none is configured, so each spawn asks; there are: ${there}` },
  ];
}

/** A framework that a worker with these does not have, and how it would; undefined when it has it. */
export function unknownFramework(framework: string, known: readonly string[]): Check | undefined {
  if (known.includes(framework)) return undefined;
  const variable = `${settings.frameworkCommandPrefix}${framework.toUpperCase().replaceAll("-", "_")}`;
  const message =
    `the worker has no framework ${JSON.stringify(framework)}, it has: ${known.join(", ")}; ${variable} in the environment ` +
    "of the backend's details makes a command one";
  return { name: "framework", status: "fail", message };
}

/** What nobody should have to find out. */
export const ECHO = "echo only answers with its prompt";

function listedNames(json: string | undefined): string[] {
  try {
    const listed: unknown = JSON.parse(json ?? "{}");
    return typeof listed === "object" && listed !== null && !Array.isArray(listed) ? Object.keys(listed) : [];
  } catch {
    return [];
  }
}
