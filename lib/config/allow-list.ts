import type { Adapters, BackendAdapter } from "../backends/adapter.ts";
import type { BackendDescription, GuardedDetail } from "../backends/description.ts";
import { type Configuration, own, regionPattern } from "../contract/configuration.ts";
import { RefusedError } from "../contract/errors.ts";
import type { Json } from "../contract/task.ts";

/** A caller's `target.details` under the names that adapters read. */
export function detailNames(adapters: Adapters, details: Json): Json {
  const aliases: Record<string, string> = Object.assign(
    {},
    ...Object.values(adapters).map((adapter) => adapter.aliases),
  );
  return Object.fromEntries(Object.entries(details).map(([key, value]) => [own(aliases, key) ?? key, value]));
}

/**
 * Refuses what a caller may not name: what an adapter leaves to the configuration at all; what one guards unless it matches
 * `callerPatterns`; regions unless they are the system's own or the configuration names them. Throws RefusedError
 * `policy.denied`, whose hint names the field of the configuration that would allow it.
 */
export function refuseUnallowedNames(configuration: Configuration, adapters: Adapters, details: Json): void {
  for (const adapter of Object.values(adapters)) {
    for (const key of adapter.configurationOnly) if (Object.hasOwn(details, key)) throw configurationOnly(key);
    for (const [key, guard] of Object.entries(adapter.guarded))
      if (Object.hasOwn(details, key))
        refuseUnallowed(key, details[key], guard, callerPatterns(configuration, adapter, guard.list));
  }
  if (Object.hasOwn(details, "region")) {
    const ownRegions = Object.values(adapters).flatMap(({ region }) => region ?? []);
    refuseUnknownRegion(configuration, details.region, ownRegions);
  }
}

const configurationOnly = (key: string): RefusedError =>
  new RefusedError("policy.denied", `target.details.${key} may be set in the configuration only`, {
    hint: "set it in the details of a backend, or in target.details of a runtime profile",
    details: { path: `target.details.${key}` },
  });

function refuseUnallowed(key: string, value: unknown, guard: GuardedDetail, patterns: readonly string[]): void {
  const { list, what, spellings = (text: string) => [text] } = guard;
  if (typeof value === "string" && spellings(value).some((text) => patterns.some((p) => matches(p, text)))) return;
  throw new RefusedError("policy.denied", `target.details.${key} names a ${what} that callers may not name`, {
    hint: `${mayName(patterns)}; allowed.${list} in the configuration file would allow others`,
    details: { path: `target.details.${key}`, allowedBy: `allowed.${list}` },
  });
}

const mayName = (patterns: readonly string[]): string =>
  patterns.length === 0 ? "callers may name none" : `callers may name ${patterns.slice(0, 10).join(", ")}`;

/**
 * What callers may name of a kind: the configured patterns; without any what the configuration itself uses; and where that
 * is nothing, anything if the system acts with the caller's own credentials, and else nothing.
 */
export function callerPatterns(configuration: Configuration, adapter: BackendAdapter, list: string): string[] {
  const patterns = allowedPatterns(configuration, adapter, list);
  const isSilent = patterns.length === 0 && own(configuration.allowed, list) === undefined;
  return isSilent && adapter.asCaller ? ["*"] : patterns;
}

/** Where no region is known at all, the caller's is the only one there can be. */
function refuseUnknownRegion(configuration: Configuration, region: unknown, ownRegions: readonly string[]): void {
  const known = [...new Set([...ownRegions, ...namedRegions(configuration)])];
  const isAllowed = (text: string) => known.includes(text) || (known.length === 0 && regionPattern.test(text));
  if (typeof region === "string" && isAllowed(region)) return;
  throw new RefusedError("policy.denied", "target.details.region names a region that callers may not name", {
    hint:
      known.length === 0
        ? "give an AWS region such as us-west-2"
        : `callers may name ${known.join(", ")}; others are named in the configuration file, as region of an account`,
    details: { path: "target.details.region" },
  });
}

/** The regions that a configuration names. */
export function namedRegions(configuration: Configuration): string[] {
  const places = [...Object.values(configuration.accounts), ...detailsIn(configuration)];
  return [...new Set(places.flatMap(({ region }) => (typeof region === "string" ? [region] : [])))];
}

/** The configured patterns, or what the configuration itself uses. */
export const allowedPatterns = (configuration: Configuration, adapter: BackendDescription, list: string): string[] =>
  own(configuration.allowed, list) ?? usedNames(configuration, adapter, list);

/** The names of a list that the configuration itself uses. */
export const usedNames = (configuration: Configuration, { guarded }: BackendDescription, list: string): string[] =>
  detailsIn(configuration).flatMap((details) =>
    Object.entries(guarded).flatMap(([key, { list: its }]) => {
      const value = details[key];
      return its === list && typeof value === "string" ? [value] : [];
    }),
  );

/** Whether a text matches a pattern in which `*` stands for anything. */
export function matches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= text.length - last.length;
}

/** Everything that the configuration says of targets. */
const detailsIn = ({ defaults, backends, runtimes }: Configuration): Json[] =>
  [
    defaults.target?.details,
    ...Object.values(backends).map((backend) => backend.details),
    ...Object.values(runtimes).map((runtime) => runtime.target.details),
  ].filter((details) => details !== undefined);
