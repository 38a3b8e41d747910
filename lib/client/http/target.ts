import { RefusedError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { defined } from "../../contract/json.ts";
import type { LocalPlace, Target } from "./door.ts";

/** The options of a command, or of a program, that say which system is meant. */
export type TargetOptions = LocalPlace & {
  endpoint?: string | undefined;
  stack?: string | undefined;
  region?: string | undefined;
  service?: string | undefined;
  profile?: string | undefined;
};

/**
 * The system that the options name, else the environment, else the local one. Throws RefusedError `input.invalid` for options
 * that name two.
 */
export function targetOf(options: TargetOptions, env: Readonly<Record<string, string | undefined>>): Target {
  const { config, stateDir, region, service, profile } = options;
  const named = (["endpoint", "stack", "config", "stateDir"] as const).filter((name) => options[name] !== undefined);
  const isLocal = config !== undefined || stateDir !== undefined;
  if ((isLocal && named.some((name) => name === "endpoint" || name === "stack")) || (options.endpoint && options.stack))
    throw new RefusedError("input.invalid", `${named.map(spelled).join(" and ")} name different systems`, {
      hint: "give one of them",
    });
  if (isLocal) return { local: defined({ config, stateDir }) };
  const endpoint = options.endpoint ?? (options.stack ? undefined : env[environmentVariables.endpoint]);
  if (endpoint) return { endpoint, ...defined({ region, service, profile }) };
  const stack = options.stack ?? env[environmentVariables.stack];
  if (stack) return { stack, ...defined({ region, profile }) };
  return { local: {} };
}

const spelled = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
