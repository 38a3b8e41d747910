import type { BackendAdapter } from "../backends/adapter.ts";
import { type Configuration, regionPattern } from "../contract/configuration.ts";
import { RefusedError } from "../contract/errors.ts";
import type { Json } from "../contract/task.ts";

/** Names in `target.details` that callers may write in snake_case too. */
const twins = {
  runtime_arn: "runtimeArn",
  ecr_image_uri: "ecrImageUri",
  execution_role_arn: "executionRoleArn",
} as const;

/** The environment of the worker itself: only whoever writes the configuration may set it. */
const configurationOnly = ["environment"] as const;

const guarded = {
  runtimeArn: { list: "runtimes", what: "runtime" },
  ecrImageUri: { list: "repositories", what: "image repository" },
  executionRoleArn: { list: "roles", what: "role" },
  defaultExecutionRoleArn: { list: "roles", what: "role" },
} as const;
type Guarded = keyof typeof guarded;
type List = keyof Configuration["allowed"];
const guardedNames = Object.keys(guarded) as Guarded[];

/** A caller's `target.details` under the names that adapters read. */
export function detailNames(details: Json): Json {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [
      Object.hasOwn(twins, key) ? twins[key as keyof typeof twins] : key,
      value,
    ]),
  );
}

/** What a system says of itself: the regions that are its own, and whether it acts with the credentials of whoever calls. */
export type Place = { ownRegions: readonly string[]; asCaller: boolean };

export const placeOf = (adapters: Readonly<Record<string, BackendAdapter>>): Place => ({
  ownRegions: Object.values(adapters).flatMap(({ region }) => region ?? []),
  asCaller: Object.values(adapters).every(({ asCaller }) => asCaller === true),
});

/**
 * Refuses what a caller may not name: the worker's own environment at all; roles, image repositories and runtimes unless
 * they match `callerPatterns`; regions unless they are the system's own or the configuration names them. Throws RefusedError
 * `policy.denied`, whose hint names the field of the configuration that would allow it.
 */
export function refuseForeignNames(configuration: Configuration, details: Json, place: Place): void {
  for (const key of configurationOnly) {
    if (Object.hasOwn(details, key)) {
      throw new RefusedError("policy.denied", `target.details.${key} may be set in the configuration only`, {
        hint: "set it in the details of a backend, or in target.details of a runtime profile",
        details: { path: `target.details.${key}` },
      });
    }
  }
  if (Object.hasOwn(details, "region")) refuseForeignRegion(configuration, details.region, place.ownRegions);
  for (const key of guardedNames) {
    if (!Object.hasOwn(details, key)) continue;
    const { list, what } = guarded[key];
    const value = details[key];
    const patterns = callerPatterns(configuration, list, place);
    if (typeof value === "string" && spellings(key, value).some((text) => patterns.some((p) => matches(p, text))))
      continue;
    throw new RefusedError("policy.denied", `target.details.${key} names a ${what} that callers may not name`, {
      hint: `${mayName(patterns)}; allowed.${list} in the configuration file would allow others`,
      details: { path: `target.details.${key}`, allowedBy: `allowed.${list}` },
    });
  }
}

const mayName = (patterns: readonly string[]): string =>
  patterns.length === 0 ? "callers may name none" : `callers may name ${patterns.slice(0, 10).join(", ")}`;

/**
 * What callers may name of a kind: the configured patterns; without any what the configuration itself uses; and where that
 * is nothing, anything if the system acts with the caller's own credentials, and else nothing.
 */
export function callerPatterns(configuration: Configuration, list: List, { asCaller }: Place): string[] {
  const patterns = allowedPatterns(configuration, list);
  return patterns.length === 0 && configuration.allowed[list] === undefined && asCaller ? ["*"] : patterns;
}

/** Where no region is known at all, the caller's is the only one there can be. */
function refuseForeignRegion(configuration: Configuration, region: unknown, ownRegions: readonly string[]): void {
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
export const allowedPatterns = (configuration: Configuration, list: List): string[] =>
  configuration.allowed[list] ?? configured(configuration, list);

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

/** A pattern without a tag or digest matches every image of its repository. */
const spellings = (key: Guarded, value: string): string[] =>
  key === "ecrImageUri" ? [value, repositoryOf(value)] : [value];

const repositoryOf = (image: string): string => image.replace(/@[^@/]*$/, "").replace(/:[^:/]*$/, "");

const configured = (configuration: Configuration, list: List): string[] =>
  detailsIn(configuration).flatMap((details) =>
    guardedNames.flatMap((key) => {
      const value = details[key];
      return guarded[key].list === list && typeof value === "string" ? [value] : [];
    }),
  );

/** Everything that the configuration says of targets. */
const detailsIn = ({ defaults, backends, runtimes }: Configuration): Json[] =>
  [
    defaults.target?.details,
    ...Object.values(backends).map((backend) => backend.details),
    ...Object.values(runtimes).map((runtime) => runtime.target.details),
  ].filter((details) => details !== undefined);
