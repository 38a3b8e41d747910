import type * as z from "zod";
import type { ConfigurationInput } from "../contract/configuration.ts";
import type { Protocol, TargetMode } from "../contract/kinds.ts";
import type { Json } from "../contract/task.ts";

/** A detail that a target cannot do without: the call, its profile or its backend gives it, or the caller is asked. */
export type NeededDetail = {
  name: string;
  modes: readonly TargetMode[];
  question: string;
  /** The answers, where there are only so many. */
  choices?: readonly string[];
  /** Another detail that does as well. */
  otherwise?: string;
};

/** A detail that a caller may only give as the configuration allows. */
export type GuardedDetail = {
  /** What it names, for messages. */
  what: string;
  /** The list under `allowed` in the configuration that holds patterns for it. */
  list: string;
  /** Other texts for the same, of which a pattern may match any. */
  spellings?(value: string): string[];
};

/**
 * What a backend adapter says of itself. It is data, for whoever loads a configuration or deploys one: nothing that it
 * imports may load an SDK or reach anything but the file system.
 */
export interface BackendDescription {
  /** As `adapter` of a backend in the configuration names it. */
  readonly name: string;
  /** Of the accounts whose tasks it runs. */
  readonly provider: string;
  readonly targetModes: readonly TargetMode[];
  readonly protocols: readonly Protocol[];
  /**
   * The `details` that a configuration may give it, of a backend, of a profile's target or of the defaults. Relative paths in
   * them are below the folder `baseDir`, and come out absolute.
   */
  details(baseDir: string): z.ZodObject;
  readonly needs: readonly NeededDetail[];
  readonly guarded: Readonly<Record<string, GuardedDetail>>;
  /** Details that only the configuration may give. */
  readonly configurationOnly: readonly string[];
  /** Details of a task that the next turn of its conversation has too, unless that says otherwise. */
  readonly keptDetails?: readonly string[];
  /** Other names under which callers may give a detail, each with its own. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The mode of a target that nobody gave one; without it the first that is served. */
  usualMode?(details: Json): TargetMode;
  /** A session can be kept ready there for a task that is not known yet. */
  readonly keepsWarm?: true;
  /** Its agents can reach the system that they are of. */
  readonly reachesSystem?: true;
  /** What a system has of it without a configuration file. */
  readonly builtIn?: ConfigurationInput;
}

/** Names of the details that a target must have, per mode: what callers are shown. */
export const configRequirements = ({ targetModes, needs }: BackendDescription): Record<string, string[]> =>
  Object.fromEntries(
    targetModes.map((mode) => [mode, needs.filter(({ modes }) => modes.includes(mode)).map(({ name }) => name)]),
  );

/** What of the details that it needs a target lacks. */
export const missingDetails = (
  { needs }: BackendDescription,
  { mode, details = {} }: { mode: TargetMode; details?: Json },
): NeededDetail[] =>
  needs.filter(
    ({ name, modes, otherwise = name }) =>
      modes.includes(mode) && isBlank(details[name]) && isBlank(details[otherwise]),
  );

export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");
