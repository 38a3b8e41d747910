import type { Issue } from "../../contract/errors.ts";
import { isObject } from "../../contract/json.ts";

const arn = "arn:aws(?:-[a-z]+)*";
const lists = {
  roles: {
    pattern: new RegExp(`^(?:\\*|${arn}:iam::[\\d*]+:role/[\\w+=,.@/*-]+)$`),
    example: "arn:aws:iam::123456789012:role/agents-*",
  },
  runtimes: {
    pattern: new RegExp(`^(?:\\*|${arn}:bedrock-agentcore:[a-z\\d*-]+:[\\d*]+:runtime/[\\w*-]+)$`),
    example: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/team_*",
  },
};

/**
 * Patterns for roles and runtimes that no policy can hold: they become resources of the functions' policies, which AWS would
 * refuse in the middle of a deployment. The input is as it was written.
 */
export function unusablePatterns(input: unknown): Issue[] {
  const allowed = isObject(input) && isObject(input.allowed) ? input.allowed : {};
  return Object.entries(lists).flatMap(([list, { pattern, example }]) => {
    const message = `must be an ARN such as ${example}, because it becomes part of a policy`;
    return Object.entries(allowed[list] ?? {})
      .filter(([, value]) => typeof value === "string" && !pattern.test(value))
      .map(([index]) => ({ path: `allowed.${list}.${index}`, message }));
  });
}
