import { isObject } from "../../../contract/json.ts";

/** Members whose values may be secret, as the assistants name them. */
const secret = /^(?:env|environment|(?:http_)?headers)$/;

/** What stands at that path, as it may be shown: what a variable or a header is set to is not, but for the name of a variable. */
export function masked(value: unknown, path: readonly (string | number)[]): unknown {
  if (Array.isArray(value)) return value.map((each, i) => masked(each, [...path, i]));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, [...path, name])]));
  const isSecret = path.some((name) => typeof name === "string" && secret.test(name));
  return isSecret && value !== `$${path.at(-1)}` ? "•••" : value;
}

/** A member of a JSON file in lines that may be shown; none where there is nothing. */
export function shownMember(path: readonly (string | number)[], value: unknown): string[] {
  if (value === undefined) return [];
  const names = path.filter((name) => typeof name === "string");
  return `${names.join(".")}: ${JSON.stringify(masked(value, path), null, 2)}`.split("\n");
}
