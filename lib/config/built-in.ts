import type { BackendDescription } from "../backends/description.ts";
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

/**
 * The same with what each adapter has without a configuration file. A file that names accounts means those and no others: an
 * adapter's own account is there only where the file names it, or names none.
 */
export const withBuiltIns = (adapters: readonly BackendDescription[], input: unknown): unknown =>
  adapters.reduce(
    (configuration, { builtIn, provider }) =>
      builtIn && isMeant(input, Object.keys(builtIn.accounts ?? {}), provider)
        ? withBuiltIn(builtIn, configuration)
        : configuration,
    input,
  );

function isMeant(input: unknown, own: readonly string[], provider: string): boolean {
  if (!isObject(input) || !isObject(input.accounts)) return true;
  const { accounts } = input;
  const named = own.filter((name) => isObject(accounts[name]));
  return named.length > 0
    ? named.every((name) => (accounts[name] as JsonObject).provider === provider)
    : Object.keys(accounts).every((name) => own.includes(name));
}
