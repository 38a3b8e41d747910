import { InvalidInputError, RefusedError } from "../../contract/errors.ts";
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

/** Options that say how a system elsewhere is reached: they mean nothing on this machine. */
const elsewhere = ["region", "service", "profile"] as const;

/**
 * The system that the options name, else the environment, else the local one; a variable that is empty is not set. Throws
 * RefusedError `input.invalid` for options that name two, that are empty, or that say how to reach what nothing names.
 */
export function targetOf(options: TargetOptions, env: Readonly<Record<string, string | undefined>>): Target {
  refuseEmpty(options);
  const { config, stateDir, region, service, profile } = options;
  const named = (["endpoint", "stack", "config", "stateDir"] as const).filter((name) => options[name] !== undefined);
  const isLocal = config !== undefined || stateDir !== undefined;
  if ((isLocal && named.some((name) => name === "endpoint" || name === "stack")) || (options.endpoint && options.stack))
    throw new RefusedError("input.invalid", `${named.map(optionName).join(" and ")} name different systems`, {
      hint: "give one of them",
    });
  const endpoint = isLocal
    ? undefined
    : (options.endpoint ?? (options.stack ? undefined : env[environmentVariables.endpoint]));
  if (endpoint) return { endpoint, ...defined({ region, service, profile }) };
  const stack = isLocal ? undefined : (options.stack ?? env[environmentVariables.stack]);
  if (stack) return { stack, ...defined({ region, service, profile }) };
  const extra = elsewhere.filter((name) => options[name] !== undefined);
  if (extra.length > 0) throw refuseEach(extra, "goes with --endpoint or --stack");
  return { local: defined({ config, stateDir }) };
}

/** Who says nothing there mostly meant a variable that is not set: another system must not take its place. */
export function refuseEmpty(options: TargetOptions): void {
  const empty = Object.entries(options).flatMap(([name, value]) => (value === "" ? [name] : []));
  if (empty.length > 0) throw refuseEach(empty, "is empty");
}

const refuseEach = (names: readonly string[], message: string) =>
  new InvalidInputError(names.map((name) => ({ path: optionName(name), message })));

/** The option of the command line with that name. */
export const optionName = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
