import * as z from "zod";
import { explain, toMistake } from "../config/issues.ts";
import { forbiddenPaths } from "../config/policy.ts";
import { cloudSchema } from "./cloud.ts";
import { InvalidInputError, type Mistake } from "./errors.ts";
import { CAPABILITY, protocols, RETENTION_DAYS, targetModes, taskTypes } from "./task.ts";

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be letters, digits, dots, dashes or underscores");
const json = z.record(z.string(), z.unknown());

/**
 * The ids of an owner's running tasks stand twice in one item, 37 bytes each time, beside the names of their profiles: of
 * each so many fit into the 400 KB that an item of DynamoDB may hold.
 */
const MAX_SLOTS = 4000;
const MAX_PROFILES = 900;
const slots = z
  .number()
  .int()
  .min(1)
  .max(MAX_SLOTS, `must be at most ${MAX_SLOTS}: so many running tasks of one owner fit into the store`);

/** Limits as they may be written in `defaults` and in a profile. */
const limitsSchema = z.strictObject({
  maxRunning: slots.optional(),
  maxRunningPerProfile: slots.optional(),
  timeoutSeconds: z.number().min(1).max(27_000).optional(),
  graceSeconds: z.number().min(0).max(300).optional(),
  maxDepth: z.number().int().min(0).max(20).optional(),
  maxBudgetUsd: z.number().positive().optional(),
});

/** A region of AWS, as its endpoints are named. */
export const regionPattern = /^[a-z]{2}(-[a-z]+)+-\d$/;
const REGION_MISTAKE = "must be an AWS region such as us-west-2";

/** What adapters read; a region becomes part of the names of hosts and of policies. */
const detailsSchema = json.superRefine(({ region }, context) => {
  if (region !== undefined && !(typeof region === "string" && regionPattern.test(region)))
    context.addIssue({ code: "custom", path: ["region"], message: REGION_MISTAKE });
});

const providers = z.enum(["aws", "local"]);

const accountSchema = z.strictObject({
  provider: providers,
  region: z.string().regex(regionPattern, REGION_MISTAKE).optional(),
  credentialSource: z.string().max(100).default("aws-sdk-default"),
  /** A role to assume first, for an account that the credentials do not belong to. */
  roleArn: z
    .string()
    .regex(/^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "must be the ARN of an IAM role")
    .optional(),
});

const backendSchema = z.strictObject({
  provider: providers.optional(),
  capability: z.literal(CAPABILITY).default(CAPABILITY),
  adapter: z.enum(["aws-agentcore", "local-process"]),
  account: name,
  details: detailsSchema.default({}),
});

const targetSchema = z.strictObject({
  mode: z.enum(targetModes).optional(),
  protocol: z.enum(protocols).optional(),
  details: detailsSchema.optional(),
});

const runtimeSchema = z.strictObject({
  provider: providers.optional(),
  account: name.optional(),
  capability: z.literal(CAPABILITY).default(CAPABILITY),
  backend: name,
  target: targetSchema.default({}),
  protocol: z.enum(protocols).optional(),
  framework: z.string().max(100).optional(),
  model: z.union([z.string().max(500), json]).optional(),
  runtimeTools: json.optional(),
  requiredInputs: z.array(name).max(50).default([]),
  metadata: json.optional(),
  limits: limitsSchema.optional(),
});

const ruleSchema = z.strictObject({
  effect: z.enum(["allow", "deny"]),
  providers: z.array(z.string()).optional(),
  accountProfiles: z.array(z.string()).optional(),
  capabilities: z.array(z.string()).optional(),
  taskTypes: z.array(z.enum(taskTypes)).optional(),
  targetModes: z.array(z.enum(targetModes)).optional(),
  reason: z.string().max(500).optional(),
});

export const configurationSchema = z.strictObject({
  $schema: z.string().optional(),
  stateDir: z.string().min(1).optional(),
  /** Days for which a task that has ended stays readable. */
  retentionDays: z.number().int().min(1).max(3650).default(RETENTION_DAYS),
  accounts: z.record(name, accountSchema).default({}),
  backends: z.record(name, backendSchema).default({}),
  runtimes: z
    .record(name, runtimeSchema)
    .refine((runtimes) => Object.keys(runtimes).length <= MAX_PROFILES, `must be at most ${MAX_PROFILES} profiles`)
    .default({}),
  defaults: z
    .strictObject({
      runtime: name.optional(),
      limits: limitsSchema.default({}),
      runtimeTools: json.optional(),
      metadata: json.optional(),
      target: targetSchema.optional(),
    })
    .default({ limits: {} }),
  policy: z
    .strictObject({ defaultEffect: z.enum(["allow", "deny"]).default("allow"), rules: z.array(ruleSchema).default([]) })
    .default({ defaultEffect: "allow", rules: [] }),
  /** Patterns (`*` matches anything) that roles, image repositories and runtime ARNs named by callers must match. */
  allowed: z
    .strictObject({
      roles: z.array(z.string()).optional(),
      repositories: z.array(z.string()).optional(),
      runtimes: z.array(z.string()).optional(),
    })
    .default({}),
  cloud: cloudSchema.prefault({}),
});

export type Configuration = z.infer<typeof configurationSchema>;
export type ConfigurationInput = z.input<typeof configurationSchema>;
export type Runtime = Configuration["runtimes"][string];
export type Backend = Configuration["backends"][string];

/**
 * Validates a configuration and every reference between its parts. Throws InvalidInputError that lists all mistakes,
 * each with its path; never the value of a credential.
 */
export function parseConfiguration(input: unknown): Configuration {
  const parsed = configurationSchema.safeParse(input, { error: explain });
  const mistakes = [
    ...(parsed.error?.issues.map(toMistake) ?? []),
    ...referenceMistakes(input),
    ...credentialMistakes(input),
    ...prototypeMistakes(input),
  ];
  if (mistakes.length > 0 || !parsed.success) throw new InvalidInputError(mistakes);
  return parsed.data;
}

/** What refers to something, read past every other mistake, so that all of them are found at once. */
const reference = name.optional().catch(undefined);
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

function referenceMistakes(input: unknown): Mistake[] {
  const { accounts, backends, runtimes, defaults } = referencesSchema.parse(input);
  const mistakes: Mistake[] = [];
  const add = (path: string, message: string) => mistakes.push({ path, message });
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
  return mistakes;
}

/** An account, a backend or a runtime may itself be called `token`: only what is inside of them is looked at. */
const nameOfEntry = /^(?:accounts|backends|runtimes)\.[^.]+$/;

const credentialMistakes = (input: unknown): Mistake[] =>
  forbiddenPaths(input)
    .filter((path) => !nameOfEntry.test(path))
    .map((path) => ({
      path: path.slice(0, 300),
      message: "credentials do not belong in the configuration; use the account's credentialSource",
    }));

/** zod passes over a field of this name in a record; it would be lost without a word. */
function prototypeMistakes(input: unknown, path: string[] = []): Mistake[] {
  if (typeof input !== "object" || input === null || path.length > 50) return [];
  return Object.entries(input).flatMap(([key, value]) => [
    ...(key === "__proto__" ? [{ path: [...path, key].join("."), message: "no field may have this name" }] : []),
    ...prototypeMistakes(value, [...path, key]),
  ]);
}

/** The own property of that name: never one inherited, such as `constructor`. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
