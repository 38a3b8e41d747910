import * as z from "zod";
import { explainWithSuggestion } from "../../config/issues.ts";
import { InvalidInputError, type Issue } from "../../contract/errors.ts";
import { toIssue } from "../../contract/issues.ts";
import { isObject } from "../../contract/json.ts";
import type { Json } from "../../contract/task.ts";
import type { ToolSchemas } from "../../contract/tools/schemas.ts";

/** The arguments of a tool, as its schema has them. Throws InvalidInputError with every issue. */
export const readArguments = <Input extends z.ZodObject>(
  schemas: ToolSchemas & { input: Input },
  given: Json,
): z.output<Input> => parse(schemas.input, underListedNames(schemas, given));

/** Validates a value. Throws InvalidInputError with every issue. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value, { error: explainWithSuggestion });
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(parsed.error.issues.map(toIssue));
}

/** What is wrong with a value, each issue with its path below `path`; nothing when it is as the schema says. */
export function issuesIn(schema: z.ZodType, value: unknown, path = ""): Issue[] {
  const { error } = schema.safeParse(value, { error: explainWithSuggestion });
  return (error?.issues ?? []).map(toIssue).map((issue) => ({
    path: [path, issue.path].filter((part) => part !== "").join("."),
    message: issue.message,
  }));
}

/**
 * Arguments under the names that are listed, without the optional fields that are null. Throws InvalidInputError for a field
 * that is given under both of its names: which one holds is unclear.
 */
export function underListedNames({ input, aliases = {}, open = false }: ToolSchemas, given: Json): Json {
  const fields = withoutNulls(input, given, open);
  const listedName = (name: string) => (Object.hasOwn(aliases, name) ? aliases[name] : undefined);
  const both = Object.keys(fields).filter((name) => Object.hasOwn(fields, listedName(name) ?? ""));
  if (both.length > 0) {
    throw new InvalidInputError(both.map((path) => ({ path, message: `is given as ${listedName(path)} too` })));
  }
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [listedName(name) ?? name, value]));
}

/**
 * A call without the optional fields that are null, which some clients send for what was left out, at any depth that the
 * schema describes. With `open`, fields that the schema does not list may be left out too.
 */
export function withoutNulls(schema: z.ZodObject, value: Json, open = false): Json {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const type: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
      if (field === null && (type === undefined ? open : type instanceof z.ZodOptional)) return [];
      const inner = type instanceof z.ZodOptional ? type.unwrap() : type;
      return [[name, withoutInnerNulls(inner, field)]];
    }),
  );
}

function withoutInnerNulls(type: unknown, value: unknown): unknown {
  if (type instanceof z.ZodArray && Array.isArray(value))
    return value.map((one) => withoutInnerNulls(type.element, one));
  return type instanceof z.ZodObject && isObject(value) ? withoutNulls(type, value) : value;
}
