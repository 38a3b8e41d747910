import type * as z from "zod";
import type { Issue } from "./errors.ts";

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

/**
 * The text of an issue that zod found and the schema has no words of its own for; pass it to `safeParse` as `error`.
 *
 * @example schema.safeParse(value, { error: explain }) // "is required" for a field that is not there
 */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys")
    return `unknown field ${issue.keys
      .slice(0, 20)
      .map((name) => JSON.stringify(name.slice(0, 100)))
      .join(", ")}`;
  const { input } = issue;
  if (input === undefined || input === null) return "is required";
  if (issue.code === "invalid_type") return `must be ${words[issue.expected] ?? issue.expected}`;
  return undefined;
}

/** An issue that zod found as one of ours. */
export const toIssue = ({ path, code, message, ...issue }: z.core.$ZodIssue): Issue => ({
  path: path.map(String).join(".").slice(0, 300),
  message:
    code === "invalid_key" && "issues" in issue ? `the name ${issue.issues[0]?.message ?? "is invalid"}` : message,
});
