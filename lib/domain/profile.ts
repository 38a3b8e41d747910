import { z } from "zod";
import { InvalidInputError, type Mistake } from "./errors.ts";
import { forbiddenPaths } from "./policy.ts";
import { CAPABILITY, protocols, targetModes, taskTypes } from "./task.ts";

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be letters, digits, dots, dashes or underscores");
const json = z.record(z.string(), z.unknown());

/** Limits as they may be written in `defaults` and in a profile. */
const limitsSchema = z.strictObject({
  maxRunning: z.number().int().min(1).max(10_000).optional(),
  maxRunningPerProfile: z.number().int().min(1).max(10_000).optional(),
  timeoutSeconds: z.number().min(1).max(27_000).optional(),
  graceSeconds: z.number().min(0).max(300).optional(),
  maxDepth: z.number().int().min(0).max(20).optional(),
  maxBudgetUsd: z.number().positive().optional(),
});

const providers = z.enum(["aws", "local"]);

const accountSchema = z.strictObject({
  provider: providers,
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be an AWS region such as us-west-2")
    .optional(),
  credentialSource: z.string().max(100).default("aws-sdk-default"),
});

const backendSchema = z.strictObject({
  provider: providers.optional(),
  capability: z.literal(CAPABILITY).default(CAPABILITY),
  adapter: z.enum(["aws-agentcore", "local-process"]),
  account: name,
  details: json.default({}),
});

const targetSchema = z.strictObject({
  mode: z.enum(targetModes).optional(),
  protocol: z.enum(protocols).optional(),
  details: json.optional(),
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
  accounts: z.record(name, accountSchema).default({}),
  backends: z.record(name, backendSchema).default({}),
  runtimes: z.record(name, runtimeSchema).default({}),
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
});

export type Configuration = z.infer<typeof configurationSchema>;
export type ConfigurationInput = z.input<typeof configurationSchema>;
export type Runtime = Configuration["runtimes"][string];
export type Backend = Configuration["backends"][string];
export type PolicyRule = Configuration["policy"]["rules"][number];

/**
 * Validates a configuration and every reference between its parts. Throws InvalidInputError that lists all mistakes,
 * each with its path; never the value of a credential.
 */
export function parseConfiguration(input: unknown): Configuration {
  const parsed = configurationSchema.safeParse(input);
  if (!parsed.success) throw new InvalidInputError(parsed.error.issues.map(toMistake));
  const mistakes = [...referenceMistakes(parsed.data), ...credentialMistakes(parsed.data)];
  if (mistakes.length > 0) throw new InvalidInputError(mistakes);
  return parsed.data;
}

/** A zod issue as a mistake, with unknown fields named. */
export function toMistake(issue: z.core.$ZodIssue): Mistake {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => JSON.stringify(key.slice(0, 100))).join(", ");
    return { path, message: `unknown field ${keys}` };
  }
  return { path, message: issue.message };
}

function referenceMistakes(configuration: Configuration): Mistake[] {
  const { accounts, backends, runtimes, defaults } = configuration;
  const mistakes: Mistake[] = [];
  const missing = (path: string, kind: string, name: string, known: object) =>
    mistakes.push({
      path,
      message: `no ${kind} is named ${name}; there are: ${Object.keys(known).join(", ") || "none"}`,
    });

  for (const [key, backend] of Object.entries(backends)) {
    const path = `backends.${key}`;
    const account = own(accounts, backend.account);
    if (!account) missing(`${path}.account`, "account", backend.account, accounts);
    else if (backend.provider && backend.provider !== account.provider)
      mistakes.push({
        path: `${path}.provider`,
        message: `is ${backend.provider}, but its account is ${account.provider}`,
      });
    const provider = backend.provider ?? account?.provider;
    const adapterProvider = backend.adapter === "local-process" ? "local" : "aws";
    if (provider && provider !== adapterProvider)
      mistakes.push({
        path: `${path}.adapter`,
        message: `${backend.adapter} serves ${adapterProvider}, not ${provider}`,
      });
  }
  for (const [key, runtime] of Object.entries(runtimes)) {
    const path = `runtimes.${key}`;
    const backend = own(backends, runtime.backend);
    if (!backend) missing(`${path}.backend`, "backend", runtime.backend, backends);
    if (runtime.account && !own(accounts, runtime.account))
      missing(`${path}.account`, "account", runtime.account, accounts);
    else if (runtime.account && backend && backend.account !== runtime.account)
      mistakes.push({
        path: `${path}.account`,
        message: `is ${runtime.account}, but its backend uses ${backend.account}`,
      });
    const provider = backend && (backend.provider ?? own(accounts, backend.account)?.provider);
    if (runtime.provider && provider && runtime.provider !== provider)
      mistakes.push({ path: `${path}.provider`, message: `is ${runtime.provider}, but its backend is ${provider}` });
  }
  if (defaults.runtime && !own(runtimes, defaults.runtime))
    missing("defaults.runtime", "runtime", defaults.runtime, runtimes);
  return mistakes;
}

function credentialMistakes(configuration: Configuration): Mistake[] {
  return forbiddenPaths(configuration).map((path) => ({
    path,
    message: "credentials do not belong in the configuration; use the account's credentialSource",
  }));
}

/** The own property of that name: never one inherited, such as `constructor`. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
