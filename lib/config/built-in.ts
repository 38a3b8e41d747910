import type { ConfigurationInput } from "../contract/configuration.ts";
import { isObject, type JsonObject } from "../contract/json.ts";

/**
 * Adds to a configuration as it was written what is there without one; in each part, what the user named wins. What is not
 * an object is left for the schema to refuse.
 */
export function withBuiltIn(builtIn: ConfigurationInput, input: unknown): unknown {
  if (!isObject(input)) return input;
  const merged: JsonObject = { ...input };
  for (const [part, entries] of Object.entries(builtIn)) {
    const theirs = Object.hasOwn(input, part) ? input[part] : {};
    if (isObject(theirs)) merged[part] = { ...(entries as JsonObject), ...theirs };
  }
  return merged;
}
