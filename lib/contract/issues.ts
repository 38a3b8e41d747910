import type * as z from "zod";
import type { Issue } from "./errors.ts";

type Raw = z.core.$ZodRawIssue;

/** What zod calls a type, for people. */
const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** Values of a list that are named where one of them is meant. */
const MOST_VALUES = 30;

/**
 * The text of an issue that zod found and the schema has no words of its own for; pass it to `safeParse` as `error`.
 *
 * @example schema.safeParse(value, { error: explain }) // "is required" for a field that is not there
 */
export function explain(issue: Raw): string | undefined {
  if (issue.code === "unrecognized_keys")
    return `unknown field ${issue.keys
      .slice(0, 20)
      .map((name) => JSON.stringify(name.slice(0, 100)))
      .join(", ")}`;
  const { input } = issue;
  if (input === undefined || input === null) return "is required";
  if (issue.code === "invalid_type") return `must be ${words[issue.expected] ?? issue.expected}`;
  if (issue.code === "too_small") return bound(issue.origin, issue.minimum, issue.inclusive ? "at least" : "more than");
  if (issue.code === "too_big") return bound(issue.origin, issue.maximum, issue.inclusive ? "at most" : "less than");
  if (issue.code === "invalid_value") return oneOf(issue.values);
  if (issue.code === "invalid_union") return anyOf(issue.errors);
  if (issue.code === "invalid_format") return formatted(issue);
  return undefined;
}

function bound(origin: string, value: number | bigint, how: string): string {
  if (origin === "string") return value === 1 ? "must not be empty" : `must be ${how} ${value} characters long`;
  if (["number", "int", "bigint"].includes(origin)) return `must be ${how} ${value}`;
  return `must hold ${how} ${value} ${origin === "array" ? "items" : "entries"}`;
}

/** An empty text is taken where nothing is meant, and is no choice. */
function oneOf(values: readonly unknown[]): string {
  const named = values.filter((value) => value !== "").map((value) => JSON.stringify(value) ?? String(value));
  if (named.length < 2) return `must be ${named[0] ?? "empty"}`;
  const more = named.length > MOST_VALUES ? ", and others" : "";
  return `must be one of ${named.slice(0, MOST_VALUES).join(", ")}${more}`;
}

/** What each of several ways asks for; where one of them is meant, as its type shows, what is wrong with it. */
function anyOf(errors: readonly (readonly z.core.$ZodIssue[])[]): string | undefined {
  const meant = errors.find((issues) => issues[0] && issues[0].path.length > 0);
  const said = (meant ? [meant] : errors).flatMap(([first]) => (first ? [describe(first)] : []));
  const ways = [...new Set(said)].filter((text) => text !== "must be empty");
  return ways.length === 0 ? undefined : ways.join(", or ");
}

const describe = ({ path, message }: z.core.$ZodIssue): string =>
  path.length === 0 ? message : `${path.map(String).join(".")} ${message}`;

function formatted(issue: Raw & { code: "invalid_format" }): string {
  if (issue.format === "regex") return `must match ${issue.pattern}`;
  if (issue.format === "url") return "must be a URL";
  if (issue.format === "datetime") return "must be a time such as 2026-01-31T12:00:00Z";
  return `must be a valid ${issue.format}`;
}

/** An issue that zod found as one of ours. */
export const toIssue = ({ path, code, message, ...issue }: z.core.$ZodIssue): Issue => ({
  path: path.map(String).join(".").slice(0, 300),
  message:
    code === "invalid_key" && "issues" in issue ? `the name ${issue.issues[0]?.message ?? "is invalid"}` : message,
});
