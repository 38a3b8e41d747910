import { runInNewContext } from "node:vm";
import { type Schema, Validator } from "@cfworker/json-schema";
import type { JsonObject } from "../../lib/contract/json.ts";
import { clip, invalidInput } from "../parse.ts";

/** A pattern in a schema can take for ever. */
const MAX_CHECK_MS = 2000;

/** What a prompt ends with where the program itself knows nothing of schemas. */
export const schemaProtocol = (schema: JsonObject): string => `## How to end

You work unattended: nobody can answer a question before you have ended. Your last message has to be one JSON value that fits
this JSON Schema, with nothing before or after it:
${JSON.stringify(schema)}`;

/** Throws InvalidInputError for a schema that cannot be checked by. */
export function assertSchema(schema: JsonObject, path: string): void {
  try {
    check(schema, {});
  } catch (cause) {
    throw invalidInput(path, "is no JSON Schema that can be checked by", cause);
  }
}

/**
 * The JSON of an answer: what the agent gave as such, else what its text is. A string says why it does not fit the schema.
 *
 * @example jsonAnswer({ type: "object" }, undefined, '```json\n{"a":1}\n```') // { value: { a: 1 } }
 */
export function jsonAnswer(schema: JsonObject, given: unknown, output: string): { value: unknown } | string {
  const value = given === undefined ? parseText(output) : given;
  if (value === undefined) return "the agent gave no JSON";
  try {
    const { valid, errors } = check(schema, value);
    const last = errors.at(-1);
    return valid ? { value } : clip(`${last?.instanceLocation ?? "#"}: ${last?.error ?? "does not fit"}`, 500);
  } catch (error) {
    return `it could not be checked (${clip(error instanceof Error ? error.message : String(error), 200)})`;
  }
}

function check(schema: JsonObject, value: unknown) {
  const validate = () => new Validator(schema as Schema, "2020-12", true).validate(value);
  return runInNewContext("validate()", { validate }, { timeout: MAX_CHECK_MS }) as ReturnType<typeof validate>;
}

/** JSON alone, or in a fence of Markdown. */
function parseText(text: string): unknown {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/.exec(text)?.[1];
  for (const candidate of [text, ...(fenced === undefined ? [] : [fenced])]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // Text around it, or no JSON at all.
    }
  }
  return undefined;
}
