import { RefusedError } from "./errors.ts";
import type { Configuration } from "./profile.ts";
import type { Json } from "./task.ts";

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

/**
 * Refuses what a caller may not name: the worker's own environment at all; roles, image repositories and runtimes unless
 * they match the configured patterns, which are by default those that the configuration itself uses. Throws RefusedError
 * `policy.denied`.
 */
export function refuseForeignNames(configuration: Configuration, details: Json): void {
  for (const key of configurationOnly) {
    if (Object.hasOwn(details, key)) {
      throw new RefusedError("policy.denied", `target.details.${key} may be set in the configuration only`, {
        hint: "set it in the details of a backend, or in target.details of a runtime profile",
        details: { path: `target.details.${key}` },
      });
    }
  }
  for (const key of guardedNames) {
    if (!Object.hasOwn(details, key)) continue;
    const { list, what } = guarded[key];
    const value = details[key];
    const patterns = allowedPatterns(configuration, list);
    if (typeof value === "string" && spellings(key, value).some((text) => patterns.some((p) => matches(p, text))))
      continue;
    throw new RefusedError("policy.denied", `target.details.${key} names a ${what} that callers may not name`, {
      hint: `patterns for it are in the configuration file, under allowed.${list}`,
      details: { path: `target.details.${key}` },
    });
  }
}

/** What callers may name: the configured patterns, or what the configuration itself uses. */
export const allowedPatterns = (configuration: Configuration, list: keyof Configuration["allowed"]): string[] =>
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

/** A pattern for a repository matches the image with or without its tag or digest. */
const spellings = (key: Guarded, value: string): string[] =>
  key === "ecrImageUri" ? [value, repositoryOf(value)] : [value];

const repositoryOf = (image: string): string => image.replace(/@[^@/]*$/, "").replace(/:[^:/]*$/, "");

function configured(configuration: Configuration, list: (typeof guarded)[Guarded]["list"]): string[] {
  const places = [
    configuration.defaults.target?.details,
    ...Object.values(configuration.backends).map((backend) => backend.details),
    ...Object.values(configuration.runtimes).map((runtime) => runtime.target.details),
  ];
  return places.flatMap((details) =>
    guardedNames.flatMap((key) => {
      const value = details?.[key];
      if (guarded[key].list !== list || typeof value !== "string") return [];
      return [key === "ecrImageUri" ? repositoryOf(value) : value];
    }),
  );
}
