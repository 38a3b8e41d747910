import * as z from "zod";
import type { BackendDescription } from "../backends/description.ts";
import { backendSchema, type Configuration, configurationSchema, nameSchema, own } from "../contract/configuration.ts";
import { forbiddenPaths } from "../contract/credentials.ts";
import { InvalidInputError, type Issue } from "../contract/errors.ts";
import { toIssue } from "../contract/issues.ts";
import { isObject } from "../contract/json.ts";
import { withPlacedWorkspaces, workspaceIssues } from "./agent-workspaces.ts";
import { readDetails } from "./details.ts";
import { explainWithSuggestion, unknownFields } from "./issues.ts";

/**
 * Validates a configuration, every reference between its parts, and what it says to each of the registered adapters; paths
 * in it are below the folder `baseDir`. Throws InvalidInputError that lists all issues, each with its path; never the value
 * of a credential.
 */
export function parseConfiguration(
  input: unknown,
  adapters: readonly BackendDescription[],
  baseDir: string,
): Configuration {
  const details = readDetails(input, adapters, baseDir);
  const parsed = configurationSchema.safeParse(details.input, { error: explainWithSuggestion });
  const issues = [
    ...(parsed.error?.issues.map(toIssue) ?? []),
    ...details.issues,
    ...allowedIssues(input, adapters),
    ...referenceIssues(input, adapters),
    ...workspaceIssues(input, adapters, baseDir),
    ...warmIssues(input, adapters),
    ...mayDispatchIssues(input, adapters),
    ...credentialIssues(input),
    ...prototypeIssues(input),
  ];
  if (issues.length > 0 || !parsed.success) throw new InvalidInputError(issues);
  return withPlacedWorkspaces(parsed.data, baseDir);
}

/** What refers to something, read past every other issue, so that all of them are found at once. */
const reference = nameSchema.optional().catch(undefined);
const referringSchema = z
  .object({
    provider: reference,
    adapter: backendSchema.shape.adapter.optional().catch(undefined),
    account: reference,
    backend: reference,
    warm: z.unknown().optional(),
    mayDispatch: z.unknown().optional(),
  })
  .catch({});
/** null: nothing can be said of references to it. */
const referringRecord = z.record(z.string(), referringSchema).default({}).nullable().catch(null);
const referencesSchema = z
  .object({
    accounts: referringRecord,
    backends: referringRecord,
    runtimes: referringRecord,
    defaults: z.object({ runtime: reference }).catch({}),
  })
  .catch({ accounts: null, backends: null, runtimes: null, defaults: {} });

function referenceIssues(input: unknown, adapters: readonly BackendDescription[]): Issue[] {
  const { accounts, backends, runtimes, defaults } = referencesSchema.parse(input);
  const issues: Issue[] = [];
  const add = (path: string, message: string) => issues.push({ path, message });
  const find = <T>(
    path: string,
    kind: string,
    key: string | undefined,
    known: Record<string, T> | null,
  ): T | undefined => {
    if (key === undefined || known === null) return undefined;
    if (Object.hasOwn(known, key)) return known[key];
    add(path, `no ${kind} is named ${key}; there are: ${Object.keys(known).slice(0, 50).join(", ") || "none"}`);
    return undefined;
  };

  const served = [...new Set(adapters.map(({ provider }) => provider))];
  for (const [key, { provider }] of Object.entries(accounts ?? {}))
    if (provider !== undefined && !served.includes(provider))
      add(`accounts.${key}.provider`, `must be what a registered adapter serves: ${served.join(", ")}`);
  const registered = Object.fromEntries(adapters.map((adapter) => [adapter.name, adapter]));
  for (const [key, { account: accountName, provider: said, adapter: name }] of Object.entries(backends ?? {})) {
    const path = `backends.${key}`;
    const account = find(`${path}.account`, "account", accountName, accounts);
    if (said && account?.provider && said !== account.provider)
      add(`${path}.provider`, `is ${said}, but its account is ${account.provider}`);
    const provider = said ?? account?.provider;
    const adapter = find(`${path}.adapter`, "registered adapter", name, registered);
    if (provider && adapter && provider !== adapter.provider)
      add(`${path}.adapter`, `${name} serves ${adapter.provider}, not ${provider}`);
  }
  for (const [key, runtime] of Object.entries(runtimes ?? {})) {
    const path = `runtimes.${key}`;
    const backend = find(`${path}.backend`, "backend", runtime.backend, backends);
    const account = find(`${path}.account`, "account", runtime.account, accounts);
    if (account && backend?.account && backend.account !== runtime.account)
      add(`${path}.account`, `is ${runtime.account}, but its backend uses ${backend.account}`);
    const provider = backend?.provider ?? own(accounts ?? {}, backend?.account ?? "")?.provider;
    if (runtime.provider && provider && runtime.provider !== provider)
      add(`${path}.provider`, `is ${runtime.provider}, but its backend is ${provider}`);
  }
  find("defaults.runtime", "runtime", defaults.runtime, runtimes);
  return issues;
}

/** Sessions that are to be kept ready where none can be. */
function warmIssues(input: unknown, adapters: readonly BackendDescription[]): Issue[] {
  const { backends, runtimes } = referencesSchema.parse(input);
  const keeping = adapters.filter(({ keepsWarm }) => keepsWarm).map(({ name }) => name);
  return Object.entries(runtimes ?? {}).flatMap(([name, { backend, warm }]) => {
    const adapter = own(backends ?? {}, backend ?? "")?.adapter;
    if (warm === undefined || adapter === undefined || keeping.includes(adapter)) return [];
    return [
      { path: `runtimes.${name}.warm`, message: `${adapter} keeps no sessions ready; only ${keeping.join(", ")} does` },
    ];
  });
}

/** Agents that are to dispatch from where they cannot reach the system. */
function mayDispatchIssues(input: unknown, adapters: readonly BackendDescription[]): Issue[] {
  const { backends, runtimes } = referencesSchema.parse(input);
  const reaching = adapters.filter(({ reachesSystem }) => reachesSystem).map(({ name }) => name);
  return Object.entries(runtimes ?? {}).flatMap(([name, { backend, mayDispatch }]) => {
    const adapter = own(backends ?? {}, backend ?? "")?.adapter;
    if (mayDispatch !== true || adapter === undefined || reaching.includes(adapter)) return [];
    const where = reaching.length > 0 ? `; only those of ${reaching.join(", ")} can` : "";
    return [{ path: `runtimes.${name}.mayDispatch`, message: `agents of ${adapter} cannot dispatch${where}` }];
  });
}

/** Lists of names that callers may give, of which no adapter has any. */
function allowedIssues(input: unknown, adapters: readonly BackendDescription[]): Issue[] {
  const allowed = isObject(input) && isObject(input.allowed) ? Object.keys(input.allowed) : [];
  const lists = adapters.flatMap(({ guarded }) => Object.values(guarded).map(({ list }) => list));
  const unknown = allowed.filter((list) => !lists.includes(list));
  return unknown.length > 0 ? [{ path: "allowed", message: unknownFields(unknown, lists) }] : [];
}

/** An account, a backend, a runtime or a group may itself be called `token`: only what is inside of them is looked at. */
const nameOfEntry = /^(?:accounts|backends|runtimes|groups)\.[^.]+$/;

const credentialIssues = (input: unknown): Issue[] =>
  forbiddenPaths(input)
    .filter((path) => !nameOfEntry.test(path))
    .map((path) => ({
      path: path.slice(0, 300),
      message: "credentials do not belong in the configuration; use the account's credentialSource",
    }));

/** zod passes over a field of this name in a record; it would be lost without a word. */
function prototypeIssues(input: unknown, path: string[] = []): Issue[] {
  if (typeof input !== "object" || input === null || path.length > 50) return [];
  return Object.entries(input).flatMap(([key, value]) => [
    ...(key === "__proto__" ? [{ path: [...path, key].join("."), message: "no field may have this name" }] : []),
    ...prototypeIssues(value, [...path, key]),
  ]);
}
