import * as z from "zod";
import { cloudSchema } from "./cloud.ts";
import { CAPABILITY, protocols, targetModes, taskTypes, toolsets, unansweredEnds } from "./kinds.ts";
import { MAX_GRACE_SECONDS, MAX_TIMEOUT_SECONDS } from "./limits.ts";
import { RETENTION_DAYS } from "./task.ts";

export const nameSchema = z
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

/** Longest description of an agent, and longest standing instructions, in characters. */
export const MAX_DESCRIPTION = 2000;
export const MAX_INSTRUCTIONS = 20_000;

/** Limits as they may be written in `defaults` and in a profile. */
const limitsSchema = z.strictObject({
  maxRunning: slots.optional(),
  maxRunningPerProfile: slots.optional(),
  timeoutSeconds: z.number().min(1).max(MAX_TIMEOUT_SECONDS).optional(),
  graceSeconds: z.number().min(0).max(MAX_GRACE_SECONDS).optional(),
  maxDepth: z.number().int().min(0).max(20).optional(),
  maxBudgetUsd: z.number().positive().optional(),
  maxTokens: z.number().int().positive().optional(),
  answerSeconds: z.number().positive().max(MAX_TIMEOUT_SECONDS).optional(),
  unanswered: z.enum(unansweredEnds).optional(),
});

/** A region of AWS, as its endpoints are named; it becomes part of the names of hosts and of policies. */
export const regionPattern = /^[a-z]{2}(-[a-z]+)+-\d$/;
export const regionSchema = z.string().regex(regionPattern, "must be an AWS region such as us-west-2");

const accountSchema = z.strictObject({
  /** Of one of the registered adapters. */
  provider: nameSchema,
  region: regionSchema.optional(),
  credentialSource: z.string().max(100).default("aws-sdk-default"),
  /** A role to assume first, for an account that the credentials do not belong to. */
  roleArn: z
    .string()
    .regex(/^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "must be the ARN of an IAM role")
    .optional(),
});

export const backendSchema = z.strictObject({
  provider: nameSchema.optional(),
  capability: z.literal(CAPABILITY).default(CAPABILITY),
  /** The name of a registered adapter, whose own schema is that of `details`. */
  adapter: nameSchema,
  account: nameSchema,
  details: json.default({}),
});

const targetSchema = z.strictObject({
  mode: z.enum(targetModes).optional(),
  protocol: z.enum(protocols).optional(),
  details: json.optional(),
});

const runtimeSchema = z.strictObject({
  provider: nameSchema.optional(),
  account: nameSchema.optional(),
  capability: z.literal(CAPABILITY).default(CAPABILITY),
  backend: nameSchema,
  target: targetSchema.default({}),
  protocol: z.enum(protocols).optional(),
  framework: z.string().max(100).optional(),
  model: z.union([z.string().max(500), json]).optional(),
  runtimeTools: json.optional(),
  requiredInputs: z.array(nameSchema).max(50).default([]),
  metadata: json.optional(),
  /** The folder that the agent lives in: a profile that has one is an agent, and only there it is trusted. */
  workspace: z.string().min(1).max(4096).optional(),
  /** What it is for, for whoever chooses one. */
  description: z.string().max(MAX_DESCRIPTION).optional(),
  /** What holds for each of its tasks. */
  instructions: z.string().max(MAX_INSTRUCTIONS).optional(),
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
  /** Which tools a client is shown, `core` unless it says otherwise; every tool can be called. */
  toolset: z.enum(toolsets).optional(),
  accounts: z.record(nameSchema, accountSchema).default({}),
  backends: z.record(nameSchema, backendSchema).default({}),
  runtimes: z
    .record(nameSchema, runtimeSchema)
    .refine((runtimes) => Object.keys(runtimes).length <= MAX_PROFILES, `must be at most ${MAX_PROFILES} profiles`)
    .default({}),
  defaults: z
    .strictObject({
      runtime: nameSchema.optional(),
      limits: limitsSchema.default({}),
      runtimeTools: json.optional(),
      metadata: json.optional(),
      target: targetSchema.optional(),
    })
    .default({ limits: {} }),
  policy: z
    .strictObject({ defaultEffect: z.enum(["allow", "deny"]).default("allow"), rules: z.array(ruleSchema).default([]) })
    .default({ defaultEffect: "allow", rules: [] }),
  /** Patterns (`*` matches anything) that names given by callers must match, by the lists of the registered adapters. */
  allowed: z.record(z.string(), z.array(z.string())).default({}),
  cloud: cloudSchema.prefault({}),
});

export type Configuration = z.infer<typeof configurationSchema>;
export type ConfigurationInput = z.input<typeof configurationSchema>;
export type Runtime = Configuration["runtimes"][string];
export type Backend = Configuration["backends"][string];

/** The own property of that name: never one inherited, such as `constructor`. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
