import { agentCore } from "../../backends/agentcore/description.ts";
import { allowedPatterns, namedRegions, usedNames } from "../../config/allow-list.ts";
import type { Configuration } from "../../contract/configuration.ts";

/** Every pattern that a target may match: what the configuration itself uses, and what callers may name. */
export function targetPatterns(configuration: Configuration, list: string): string[] {
  return [
    ...new Set([...usedNames(configuration, agentCore, list), ...allowedPatterns(configuration, agentCore, list)]),
  ];
}

/** The regions that targets may be in: the stack's own, and those that accounts and targets name. */
export const targetRegions = (configuration: Configuration, own: string): string[] => [
  ...new Set([own, ...namedRegions(configuration)]),
];

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
