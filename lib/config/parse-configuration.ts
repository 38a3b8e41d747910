import * as z from "zod";
import {
  backendSchema,
  type Configuration,
  configurationSchema,
  nameSchema,
  own,
  providers,
} from "../contract/configuration.ts";
import { forbiddenPaths } from "../contract/credentials.ts";
import { InvalidInputError, type Issue } from "../contract/errors.ts";
import { toIssue } from "../contract/issues.ts";
import { explainWithSuggestion } from "./issues.ts";

/**
 * Validates a configuration and every reference between its parts. Throws InvalidInputError that lists all issues,
 * each with its path; never the value of a credential.
 */
export function parseConfiguration(input: unknown): Configuration {
  const parsed = configurationSchema.safeParse(input, { error: explainWithSuggestion });
  const issues = [
    ...(parsed.error?.issues.map(toIssue) ?? []),
    ...referenceIssues(input),
    ...credentialIssues(input),
    ...prototypeIssues(input),
  ];
  if (issues.length > 0 || !parsed.success) throw new InvalidInputError(issues);
  return parsed.data;
}

/** What refers to something, read past every other issue, so that all of them are found at once. */
const reference = nameSchema.optional().catch(undefined);
const referringSchema = z
  .object({
    provider: providers.optional().catch(undefined),
    adapter: backendSchema.shape.adapter.optional().catch(undefined),
    account: reference,
    backend: reference,
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

function referenceIssues(input: unknown): Issue[] {
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

  for (const [key, { account: accountName, provider: said, adapter }] of Object.entries(backends ?? {})) {
    const path = `backends.${key}`;
    const account = find(`${path}.account`, "account", accountName, accounts);
    if (said && account?.provider && said !== account.provider)
      add(`${path}.provider`, `is ${said}, but its account is ${account.provider}`);
    const provider = said ?? account?.provider;
    const served = adapter && (adapter === "local-process" ? "local" : "aws");
    if (provider && served && provider !== served)
      add(`${path}.adapter`, `${adapter} serves ${served}, not ${provider}`);
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

/** An account, a backend or a runtime may itself be called `token`: only what is inside of them is looked at. */
const nameOfEntry = /^(?:accounts|backends|runtimes)\.[^.]+$/;

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
