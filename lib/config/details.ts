import * as z from "zod";
import type { BackendDescription } from "../backends/description.ts";
import type { Issue } from "../contract/errors.ts";
import { toIssue } from "../contract/issues.ts";
import { isObject, type JsonObject } from "../contract/json.ts";
import { explainWithSuggestion } from "./issues.ts";

/**
 * Reads the `details` of backends, of profiles' targets and of the defaults, each by the schema of the adapter that they are
 * for. Resolves with what is wrong with them, and with the configuration in which they are as the adapters have them, paths
 * made absolute. What is of no adapter alone, as in the defaults, may be what any of them takes.
 */
export function readDetails(
  input: unknown,
  adapters: readonly BackendDescription[],
  baseDir: string,
): { issues: Issue[]; input: unknown } {
  if (!isObject(input)) return { issues: [], input };
  const issues: Issue[] = [];
  const schemas = new Map<unknown, z.ZodObject>(adapters.map((adapter) => [adapter.name, adapter.details(baseDir)]));
  const shapes = [...schemas.values()].map(({ shape }) => shape);
  const ofAny: z.ZodObject = z.strictObject(Object.assign({}, ...shapes));

  const withDetails = (path: string, holder: JsonObject, adapter?: unknown): JsonObject => {
    if (!isObject(holder.details)) return holder;
    const schema = schemas.get(adapter) ?? ofAny;
    const { error, data } = schema.safeParse(holder.details, { error: explainWithSuggestion });
    if (!error) return { ...holder, details: data };
    issues.push(...error.issues.map((issue) => below(`${path}.details`, toIssue(issue))));
    return holder;
  };
  const withTarget = (path: string, holder: JsonObject, adapter?: unknown): JsonObject =>
    isObject(holder.target) ? { ...holder, target: withDetails(`${path}.target`, holder.target, adapter) } : holder;

  const { backends, runtimes, defaults } = input;
  const adapterOf = (backend: unknown): unknown => {
    const found = isObject(backends) && typeof backend === "string" ? own(backends, backend) : undefined;
    return isObject(found) ? found.adapter : undefined;
  };
  return {
    issues,
    input: {
      ...input,
      ...each(backends, "backends", (path, backend) => withDetails(path, backend, backend.adapter)),
      ...each(runtimes, "runtimes", (path, runtime) => withTarget(path, runtime, adapterOf(runtime.backend))),
      ...(isObject(defaults) && { defaults: withTarget("defaults", defaults) }),
    },
  };
}

const own = (record: JsonObject, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined);

const below = (path: string, issue: Issue): Issue => ({
  path: [path, issue.path]
    .filter((part) => part !== "")
    .join(".")
    .slice(0, 300),
  message: issue.message,
});

/** A part of the configuration with each entry changed, or nothing where there is no such part. */
function each(entries: unknown, part: string, change: (path: string, entry: JsonObject) => JsonObject): JsonObject {
  if (!isObject(entries)) return {};
  const changed = Object.entries(entries).map(([name, entry]) => [
    name,
    isObject(entry) ? change(`${part}.${name}`, entry) : entry,
  ]);
  return { [part]: Object.fromEntries(changed) };
}
