import { runInNewContext } from "node:vm";
import { type Schema, Validator } from "@cfworker/json-schema";
import { InvalidInputError } from "../errors.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { ResponseFormat } from "../worker.ts";

/** A pattern in a schema can take for ever. */
const MAX_CHECK_MS = 2000;

/** Throws InvalidInputError for a schema that cannot be checked by. */
export function assertSchema(schema: JsonObject, path: string): void {
  try {
    check(schema, {});
  } catch (cause) {
    throw new InvalidInputError([{ path, message: "is no JSON Schema that can be checked by" }], { cause });
  }
}

/**
 * The JSON of an answer: what the agent gave as such, else what its text is. A string says why it does not fit the schema.
 *
 * @example jsonAnswer({ type: "object" }, undefined, '```json\n{"a":1}\n```') // { value: { a: 1 } }
 */
export function jsonAnswer(
  schema: JsonObject | undefined,
  given: unknown,
  output: string,
): { value: unknown } | string {
  const value = given === undefined ? parseText(output) : given;
  if (value === undefined) return "the agent gave no JSON";
  if (!schema) return { value };
  try {
    const { valid, errors } = check(schema, value);
    const last = errors.at(-1);
    return valid ? { value } : `${last?.instanceLocation ?? "#"}: ${last?.error ?? "does not fit"}`.slice(0, 500);
  } catch (error) {
    return `it could not be checked (${(error instanceof Error ? error.message : String(error)).slice(0, 200)})`;
  }
}

/**
 * The result of a job that was asked for JSON: the value is its `result`, or `parseError` says why there is none; what the
 * agent said is kept as `output`.
 */
export function withJson({ schema }: ResponseFormat, result: unknown): JsonObject {
  const said = isObject(result) && typeof result.output === "string" ? result : undefined;
  const { result: given, ...rest } = said ?? (typeof result === "string" ? { output: result } : { result });
  const output = typeof rest.output === "string" ? rest.output : JSON.stringify(given ?? null);
  const answer = jsonAnswer(schema, given, output);
  return { output, ...rest, ...(typeof answer === "string" ? { parseError: answer } : { result: answer.value }) };
}

function check(schema: JsonObject, value: unknown) {
  const validate = () => new Validator(schema as Schema, "2020-12", true).validate(value);
  return runInNewContext("validate()", { validate }, { timeout: MAX_CHECK_MS }) as ReturnType<typeof validate>;
}

/** A text without the last line in which agents say how far they came, also unasked. */
function withoutStatus(text: string): string {
  const said = text.trimEnd();
  const lastLine = said.lastIndexOf("\n") + 1;
  return /^\s*STATUS:/i.test(said.slice(lastLine)) ? said.slice(0, lastLine) : text;
}

/** JSON alone, with that line after it, or in a fence of Markdown. */
function parseText(text: string): unknown {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/.exec(text)?.[1];
  for (const candidate of [text, withoutStatus(text), ...(fenced === undefined ? [] : [fenced])]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // Text around it, or no JSON at all.
    }
  }
  return undefined;
}
