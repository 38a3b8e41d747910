import type * as z from "zod";
import { InvalidInputError, type Issue } from "../lib/contract/errors.ts";
import { explain } from "../lib/contract/issues.ts";

/** At most `length` characters of a text, never half of a surrogate pair, with an ellipsis where it was cut. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}

/** Validates what came from outside. Issues are named by their path below `root`, and never quote a long value. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, root = ""): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: explain });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }): Issue => {
    const place = [...(root ? [root] : []), ...path.map(String)].join(".");
    return { path: clip(place, 100), message: clip(message, 200) };
  });
  throw new InvalidInputError(issues);
}

/** A single issue, as an error. */
export const invalidInput = (path: string, message: string, cause?: unknown) =>
  new InvalidInputError([{ path, message: clip(message, 300) }], { cause });
