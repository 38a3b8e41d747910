import * as z from "zod";
import { cloudSchema } from "./cloud.ts";
import {
  CAPABILITY,
  orphanEnds,
  protocols,
  type Toolset,
  targetModes,
  taskTypes,
  toolsets,
  unansweredEnds,
} from "./kinds.ts";
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

/** Who is in a tree stands in one item as well, and how many each of it dispatched: 25 and 50 bytes for each. */
export const MAX_TREE_TASKS = 5000;
/** Half as long as tasks are kept by default. */
const MAX_TREE_SECONDS = 45 * 86_400;

/** Longest description of an agent, and longest standing instructions, in characters. */
/** Longest label of an agent, in characters, and how many it may have. */
export const MAX_LABEL = 100;
export const MAX_LABELS = 50;
export const MAX_DESCRIPTION = 2000;
export const MAX_INSTRUCTIONS = 20_000;

/** Seconds for which an answer is kept at most for the same request again. */
export const MAX_ANSWER_SECONDS = 86_400;

/** Of a group: its longest brief and longest shared facts, in characters, and its most members. */
export const MAX_BRIEF = 20_000;
export const MAX_SHARED_CONTEXT = 20_000;
export const MAX_MEMBERS = 100;
const MAX_GROUPS = 100;

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
  maxChildren: z.number().int().min(0).max(MAX_TREE_TASKS).optional(),
  maxTreeTasks: z
    .number()
    .int()
    .min(1)
    .max(MAX_TREE_TASKS, `must be at most ${MAX_TREE_TASKS}: so many tasks of one tree fit into the store`)
    .optional(),
  treeBudgetUsd: z.number().positive().optional(),
  treeTimeoutSeconds: z.number().min(1).max(MAX_TREE_SECONDS).optional(),
  orphans: z.enum(orphanEnds).optional(),
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
  /** Labels for whoever chooses one, and of what is risky about it; they change nothing of what it may do. */
  capabilities: z.array(z.string().min(1).max(MAX_LABEL)).max(MAX_LABELS).optional(),
  riskyCapabilities: z.array(z.string().min(1).max(MAX_LABEL)).max(MAX_LABELS).optional(),
  /** What holds for each of its tasks. */
  instructions: z.string().max(MAX_INSTRUCTIONS).optional(),
  limits: limitsSchema.optional(),
  /** Whether its agent is given this system as an MCP server, to dispatch tasks that are then its own task's. */
  mayDispatch: z.boolean().optional(),
  /** Sessions that are kept ready for its next tasks, each of which bills as long as it is. */
  warm: z.number().int().min(1).max(50).optional(),
});

/**
 * Agents that work on one thing. A member that no profile is named for any more is shown as such, and keeps nothing from
 * starting.
 */
const groupSchema = z.strictObject({
  /** How to work with it, for whoever dispatches; its members are not told. */
  description: z.string().max(MAX_BRIEF).optional(),
  /** Facts that a member is told with each task that is dispatched for the group. */
  sharedContext: z.string().max(MAX_SHARED_CONTEXT).optional(),
  members: z
    .array(z.strictObject({ agent: nameSchema, useFor: z.string().max(500).optional() }))
    .max(MAX_MEMBERS)
    .refine((members) => new Set(members.map(({ agent }) => agent)).size === members.length, "names an agent twice")
    .default([]),
});
export type Group = z.infer<typeof groupSchema>;

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
  /** Which tools a client is shown: where agents are configured `agents`, else `core`; every tool can be called. */
  toolset: z.enum(toolsets).optional(),
  /** How long a call of dispatch and its like waits for what it asked for before it leaves the job to itself. */
  dispatch: z.strictObject({ waitSeconds: z.number().int().min(1).max(3600).default(290) }).prefault({}),
  accounts: z.record(nameSchema, accountSchema).default({}),
  backends: z.record(nameSchema, backendSchema).default({}),
  runtimes: z
    .record(nameSchema, runtimeSchema)
    .refine((runtimes) => Object.keys(runtimes).length <= MAX_PROFILES, `must be at most ${MAX_PROFILES} profiles`)
    .default({}),
  /** For how many seconds the answer of an agent is good for the same request again; 0 for never, also where a call asks. */
  cache: z.strictObject({ ttlSeconds: z.number().int().min(0).max(MAX_ANSWER_SECONDS).optional() }).default({}),
  groups: z
    .record(nameSchema, groupSchema)
    .refine((groups) => Object.keys(groups).length <= MAX_GROUPS, `must be at most ${MAX_GROUPS} groups`)
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

/** The toolset that is shown. An agent is a profile that lives in a folder. */
export const toolsetOf = ({ toolset, runtimes }: Configuration): Toolset =>
  toolset ?? (Object.values(runtimes).some(({ workspace }) => workspace !== undefined) ? "agents" : "core");

/** The same in the cloud, where an agent is a profile that says what it is for. */
export const deployedToolsetOf = ({ toolset, runtimes }: Configuration): Toolset =>
  toolset ?? (Object.values(runtimes).some(({ description }) => description !== undefined) ? "agents" : "core");

/** The own property of that name: never one inherited, such as `constructor`. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
