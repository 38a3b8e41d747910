import { isObject, type JsonObject } from "../../../lib/contract/json.ts";

/**
 * Settings with others over them; objects are merged, and anything else is replaced. So is each server in the field `servers`,
 * whole: what is sent to one, such as a login, is never sent to another of the same name.
 */
export function mergeSettings(under: JsonObject, over: JsonObject, servers: string): JsonObject {
  const merged = merge(under, over);
  const [theirs, ours] = [under[servers], over[servers]];
  return isObject(theirs) && isObject(ours) ? { ...merged, [servers]: { ...theirs, ...ours } } : merged;
}

function merge(under: JsonObject, over: JsonObject): JsonObject {
  const fields = Object.entries(over).map(([name, value]): [string, unknown] => {
    const other = under[name];
    return [name, isObject(value) && isObject(other) ? merge(other, value) : value];
  });
  return { ...under, ...Object.fromEntries(fields) };
}
