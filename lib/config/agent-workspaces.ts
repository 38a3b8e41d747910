import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { BackendDescription } from "../backends/description.ts";
import { type Configuration, own } from "../contract/configuration.ts";
import type { Issue } from "../contract/errors.ts";
import { isObject, type JsonObject } from "../contract/json.ts";

/**
 * The configuration with the folder of each agent as an absolute path. Relative ones are below `baseDir`, where that really
 * is. Whether a folder is there is not asked here: one that was moved must not keep a whole system from starting, so its
 * agent is refused when somebody wants it.
 */
export function withPlacedWorkspaces(configuration: Configuration, baseDir: string): Configuration {
  const base = realPath(baseDir);
  const runtimes = Object.entries(configuration.runtimes).map(([name, runtime]) => [
    name,
    runtime.workspace === undefined ? runtime : { ...runtime, workspace: resolve(base, runtime.workspace) },
  ]);
  return { ...configuration, runtimes: Object.fromEntries(runtimes) };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Profiles that live in a folder, where their backend has none or their target names one as well. */
export function workspaceIssues(input: unknown, adapters: readonly BackendDescription[], baseDir: string): Issue[] {
  const { runtimes, backends } = isObject(input) ? input : {};
  if (!isObject(runtimes)) return [];
  const having = adapters.filter((adapter) => runsInFolders(adapter, baseDir));
  return Object.entries(runtimes).flatMap(([name, runtime]) => {
    if (!isObject(runtime) || runtime.workspace === undefined) return [];
    const path = `runtimes.${name}.workspace`;
    const adapter = field(field(backends, String(runtime.backend)), "adapter");
    const isKnown = adapters.some((known) => known.name === adapter);
    const lacks = isKnown && !having.some((known) => known.name === adapter);
    const twice = field(field(runtime.target, "details"), "workspace") !== undefined;
    return [
      ...(lacks ? [{ path, message: `${adapter} runs in no folder of this machine` }] : []),
      ...(twice ? [{ path, message: "is there beside target.details.workspace; give one of them" }] : []),
    ];
  });
}

const runsInFolders = (adapter: BackendDescription, baseDir: string): boolean =>
  Object.hasOwn(adapter.details(baseDir).shape, "workspace");

/** The backend for an agent that lives in a folder: that of the default profile, else the first that runs in folders. */
export function folderBackend(
  { runtimes, backends, defaults }: Configuration,
  adapters: readonly BackendDescription[],
): string | undefined {
  const having = adapters.filter((adapter) => runsInFolders(adapter, "/")).map(({ name }) => name);
  const usual = own(runtimes, defaults.runtime ?? "")?.backend;
  const suited = Object.keys(backends).filter((name) => having.includes(own(backends, name)?.adapter ?? ""));
  return suited.find((name) => name === usual) ?? suited[0];
}

const field = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
