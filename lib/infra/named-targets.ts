import { isObject } from "../domain/built-in.ts";
import { allowedPatterns } from "../domain/naming.ts";
import type { Configuration } from "../domain/profile.ts";

const regionPattern = /^[a-z]{2}(-[a-z]+)+-\d$/;

type List = keyof Configuration["allowed"];

/** Every pattern that a target may match: what the configuration itself uses, and what callers may name. */
export function targetPatterns(configuration: Configuration, list: List): string[] {
  const used = allowedPatterns({ ...configuration, allowed: {} }, list);
  return [...new Set([...used, ...allowedPatterns(configuration, list)])];
}

/** The regions that targets may be in: the stack's own, and those that accounts and targets name. */
export function targetRegions({ accounts, backends, runtimes, defaults }: Configuration, own: string): string[] {
  const details = [
    defaults.target?.details,
    ...Object.values(backends).map((backend) => backend.details),
    ...Object.values(runtimes).map((runtime) => runtime.target.details),
  ];
  const named = [...Object.values(accounts), ...details.filter(isObject)].map(({ region }) => region);
  return [
    ...new Set([own, ...named.filter((region) => typeof region === "string" && regionPattern.test(region))]),
  ] as string[];
}

const imagePattern = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(.+)$/;

/** The private repositories among the patterns, as ARNs; others need no permission, or cannot be told from a pattern. */
export function repositoryArns(patterns: readonly string[], partition: string): string[] {
  return patterns.flatMap((pattern) => {
    const [, account, region, image] = imagePattern.exec(pattern) ?? [];
    return image === undefined
      ? []
      : [`arn:${partition}:ecr:${region}:${account}:repository/${image.replace(/[:@].*$/, "")}`];
  });
}

/** The roles that accounts of the configuration are entered by. */
export const accountRoles = ({ accounts }: Configuration): string[] => [
  ...new Set(Object.values(accounts).flatMap(({ roleArn }) => roleArn ?? [])),
];
