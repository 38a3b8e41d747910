import { isObject, type JsonObject } from "../../../lib/contract/json.ts";

/** Settings with others over them; objects are merged, and anything else is replaced. */
export function mergeSettings(under: JsonObject, over: JsonObject): JsonObject {
  const fields = Object.entries(over).map(([name, value]): [string, unknown] => {
    const other = under[name];
    return [name, isObject(value) && isObject(other) ? mergeSettings(other, value) : value];
  });
  return { ...under, ...Object.fromEntries(fields) };
}
