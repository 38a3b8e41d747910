import * as z from "zod";
import { describeIssue } from "../../../lib/contract/errors.ts";
import { toIssue } from "../../../lib/contract/issues.ts";
import type { JsonObject } from "../../../lib/contract/json.ts";
import { invalidInput } from "../../parse.ts";

export type JsonAnswer = { result: unknown; failure?: never } | { result?: never; failure: string };

/**
 * The check of answers that have to fit a JSON Schema. A schema that cannot be checked in full is refused before anything
 * runs: one with `if`, `not`, `dependentRequired` or `unevaluatedProperties`, for example.
 */
export function answerCheck(schema: JsonObject): (text: string) => JsonAnswer {
  const checked = readSchema(schema);
  return (text) => {
    const value = readJson(text);
    if (!value) return { failure: "the answer is not JSON" };
    const parsed = checked.safeParse(value.json);
    if (parsed.success) return { result: value.json };
    const issues = parsed.error.issues.slice(0, 5).map((issue) => describeIssue(toIssue(issue)));
    return { failure: `the answer does not fit the JSON Schema: ${issues.join("; ")}` };
  };
}

function readSchema(schema: JsonObject): z.ZodType {
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    throw invalidInput("runtime_tools.jsonSchema", error instanceof Error ? error.message : "is no JSON Schema", error);
  }
}

/** The JSON of a text, which models like to put between fences. */
function readJson(text: string): { json: unknown } | undefined {
  const [, fenced] = /```(?:json)?\s*\n(.*)\n\s*```\s*$/s.exec(text) ?? [];
  for (const candidate of [text, fenced]) {
    if (candidate === undefined) continue;
    try {
      return { json: JSON.parse(candidate) };
    } catch {}
  }
  return undefined;
}
