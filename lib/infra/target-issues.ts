import type { Issue } from "../contract/errors.ts";
import { isObject, type JsonObject } from "../contract/json.ts";

const arn = "arn:aws(?:-[a-z]+)*";
const lists = {
  roles: {
    pattern: new RegExp(`^(?:\\*|${arn}:iam::[\\d*]+:role/[\\w+=,.@/*-]+)$`),
    example: "arn:aws:iam::123456789012:role/agents-*",
    details: ["executionRoleArn", "defaultExecutionRoleArn"],
  },
  runtimes: {
    pattern: new RegExp(`^(?:\\*|${arn}:bedrock-agentcore:[a-z\\d*-]+:[\\d*]+:runtime/[\\w*-]+)$`),
    example: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/team_*",
    details: ["runtimeArn"],
  },
};

/**
 * Roles and runtimes that a configuration names or lets callers name, and that no policy can hold: they become resources
 * of the functions' policies, which AWS would refuse in the middle of a deployment. The input is as it was written.
 */
export function unusableTargets(input: unknown): Issue[] {
  const allowed = field(input, "allowed");
  const places = Object.entries({
    ...each(input, "backends", (backend) => field(backend, "details"), "details"),
    ...each(input, "runtimes", (runtime) => field(field(runtime, "target"), "details"), "target.details"),
    "defaults.target.details": field(field(field(input, "defaults"), "target"), "details"),
  });
  return Object.entries(lists).flatMap(([list, { pattern, example, details }]) => {
    const named = [
      ...Object.entries(field(allowed, list) ?? {}).map(([index, value]) => [`allowed.${list}.${index}`, value]),
      ...places.flatMap(([path, place]) => details.map((name) => [`${path}.${name}`, field(place, name)])),
    ];
    const wrong = named.filter(([, value]) => typeof value === "string" && !pattern.test(value));
    const message = `must be an ARN such as ${example}, because it becomes part of a policy`;
    return wrong.map(([path]) => ({ path: String(path), message }));
  });
}

const field = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/** What `read` finds in each entry of a part, by its path. */
function each(input: unknown, part: string, read: (entry: unknown) => unknown, path: string): JsonObject {
  const entries = Object.entries(field(input, part) ?? {});
  return Object.fromEntries(entries.map(([name, entry]) => [`${part}.${name}.${path}`, read(entry)]));
}
