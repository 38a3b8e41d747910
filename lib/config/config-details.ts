import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Issue } from "../contract/errors.ts";
import { isObject, type JsonObject } from "../contract/json.ts";

/**
 * Makes the workspaces that the adapter `local-process` is given absolute, in place, and returns what is wrong with its
 * details: a workspace that is no folder, an environment that is not one.
 */
export function resolveLocalDetails(input: unknown, baseDir: string): Issue[] {
  return localDetails(input).flatMap(({ path, details }) => [
    ...environmentIssues(`${path}.environment`, details.environment),
    ...resolveWorkspace(`${path}.workspace`, details, baseDir),
  ]);
}

/** Every place whose details the adapter reads, with its path in the configuration. */
function localDetails(input: unknown): { path: string; details: JsonObject }[] {
  const backends = entriesOf(input, "backends").filter(([, { adapter }]) => adapter === "local-process");
  const names = new Set<unknown>(backends.map(([name]) => name));
  const runtimes = entriesOf(input, "runtimes").filter(([, { backend }]) => names.has(backend));
  const defaults = isObject(input) && isObject(input.defaults) ? [input.defaults] : [];
  const places = [
    ...backends.map(([name, { details }]) => ({ path: `backends.${name}.details`, details })),
    ...runtimes.map(([name, { target }]) => ({
      path: `runtimes.${name}.target.details`,
      details: isObject(target) ? target.details : undefined,
    })),
    ...defaults.map(({ target }) => ({
      path: "defaults.target.details",
      details: isObject(target) ? target.details : undefined,
    })),
  ];
  return places.flatMap(({ path, details }) => (isObject(details) ? [{ path, details }] : []));
}

function entriesOf(input: unknown, part: string): [string, JsonObject][] {
  const entries = isObject(input) ? input[part] : undefined;
  if (!isObject(entries)) return [];
  return Object.entries(entries).flatMap(([name, value]) => (isObject(value) ? [[name, value]] : []));
}

function resolveWorkspace(path: string, details: JsonObject, baseDir: string): Issue[] {
  if (details.workspace === undefined) return [];
  if (typeof details.workspace !== "string" || details.workspace === "")
    return [{ path, message: "must be the path of a folder" }];
  details.workspace = resolve(baseDir, details.workspace);
  return isFolder(`${details.workspace}`) ? [] : [{ path, message: `there is no folder ${details.workspace}` }];
}

function environmentIssues(path: string, environment: unknown): Issue[] {
  if (environment === undefined) return [];
  if (!isObject(environment)) return [{ path, message: "must be an object of names and texts" }];
  return Object.entries(environment).flatMap(([name, value]) => [
    ...(/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? []
      : [{ path, message: `${JSON.stringify(name)} is no variable name` }]),
    ...(typeof value === "string" ? [] : [{ path: `${path}.${name}`, message: "must be a text" }]),
  ]);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
