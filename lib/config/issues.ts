import { closestMatch } from "leven";
import type * as z from "zod";
import { explain } from "../contract/issues.ts";

/** As `explain` of the contract, with the field that was probably meant for one that is not known. */
export const explainWithSuggestion = (issue: z.core.$ZodRawIssue): string | undefined =>
  issue.code === "unrecognized_keys" ? unknownFields(issue.keys, knownFields(issue.inst)) : explain(issue);

/** What is wrong with names that are not known, with those that were probably meant. */
export function unknownFields(names: readonly string[], known: readonly string[]): string {
  const named = names.slice(0, 20).map((name) => {
    const text = name.slice(0, 100);
    const meant = text.length < 4 ? undefined : closestMatch(text, known, { maxDistance: Math.floor(text.length / 3) });
    return `${JSON.stringify(text)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
  });
  return `unknown field ${named.join(", ")}`;
}

const knownFields = (schema: unknown): string[] =>
  typeof schema === "object" && schema !== null && "shape" in schema ? Object.keys(schema.shape as object) : [];
