import * as z from "zod";
import type { JsonObject } from "./json.ts";
import { logLevels } from "./logger.ts";

/**
 * What CloudWatch Logs keeps logs for:
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
const logRetentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653,
];

/**
 * A name, with an architecture or a version where it has to be one:
 * https://www.debian.org/doc/debian-policy/ch-controlfields.html#package
 */
const debianPackage = z
  .string()
  .max(200)
  .regex(/^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+~:-]+)?$/, "must be the name of a Debian package");

const count = z.number().int().min(1);

/**
 * `cloud` in the configuration: how the stack is deployed. The system on one machine passes over it, unless something is said
 * of it.
 */
export const cloudSchema = z.strictObject({
  /** Also the beginning of every name the stack gives; two stacks in one account need two. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,29}$/, "must be at most 30 letters, digits or dashes, a letter first")
    .default("agent-dispatch"),
  logLevel: z.enum(logLevels).default("info"),
  logRetentionDays: z
    .number()
    .refine((days) => logRetentions.includes(days), `must be one of ${logRetentions.join(", ")}`)
    .default(30),
  /**
   * Days for which the log of a runtime that was made for tasks is kept after its last line, once the runtime is gone; 0
   * deletes both together.
   */
  runtimeLogDays: z.number().int().min(0).max(3653).default(7),
  /** What the worker's image has besides the worker. */
  workerImage: z
    .strictObject({
      /** A folder whose files it gets as `/agent`, relative to the configuration file. */
      directory: z.string().min(1).optional(),
      /** Packages of Debian, as `apt-get install` takes them. */
      packages: z.array(debianPackage).max(200).optional(),
      /** Claude Code, which is not free software: https://code.claude.com/docs/en/legal-and-compliance */
      claudeCode: z.boolean().default(false),
    })
    .optional(),
  /**
   * Bedrock models that workers may invoke besides those that profiles name: ids of models or of inference profiles. The
   * first is that of an agent whose model nobody names; without the list it is `defaultModels`.
   */
  models: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:/_*-]{0,199}$/, "must be the id of a model or inference profile"))
    .max(50)
    .optional(),
  /** Minutes for which a runtime that tasks share is kept after the last of them; where one machine uses AgentCore, too. */
  runtimeIdleMinutes: count.max(10_080).default(60),
  /** Who is told of alarms; without it they only change colour. */
  alarmEmail: z.email().optional(),
  /** Whether there is a dashboard, which costs $3 a month beyond the three that an account has for free. */
  dashboard: z.boolean().default(false),
  /** Whether table and bucket outlive the stack. */
  retainData: z.boolean().default(true),
  /** Whether the table refuses to be deleted by anybody until this is changed. */
  deletionProtection: z.boolean().default(false),
  /** What the endpoint takes from all callers together. */
  throttle: z
    .strictObject({
      requestsPerSecond: count.max(10_000).default(100),
      burst: count.max(5000).default(200),
    })
    .prefault({}),
  concurrency: z
    .strictObject({
      /** Executions kept free for each step of the workflow; the account's limit must leave 100 for everything else. */
      steps: count.max(1000).optional(),
      /** Most calls that are served at once; without it, or with null, as many as the account allows. */
      mcp: count.max(10_000).nullable().optional(),
      /**
       * Calls that may wait at once, each of which holds a function; without it 4 of 10 that the endpoint may have. 0 lets none
       * wait.
       */
      waiting: z.number().int().min(0).max(10_000).optional(),
      /** Of them, calls of one owner; without it half. */
      waitingOfOwner: count.max(10_000).optional(),
    })
    .refine(({ mcp, waiting }) => mcp == null || waiting === undefined || waiting < mcp, {
      path: ["waiting"],
      message: "must be less than mcp: other calls need some too",
    })
    .prefault({}),
});

export type CloudSettings = z.infer<typeof cloudSchema>;

/** What calls that wait may take of the functions that the endpoint may have. */
const WAITING_SHARE = 0.4;

/** How many calls may wait at once, in all and of one owner, where an account may run so many functions at once. */
export function waitingBound(
  { mcp, waiting, waitingOfOwner }: CloudSettings["concurrency"],
  ofAccount: number,
): { places: number; ofOwner: number } {
  const places = waiting ?? Math.floor(Math.min(mcp ?? ofAccount, ofAccount) * WAITING_SHARE);
  return { places, ofOwner: waitingOfOwner ?? Math.ceil(places / 2) };
}

/**
 * What agents in the cloud are asked to think with where nobody names a model: one inference profile for all commercial
 * regions, whose requests may be answered in any of them, and one for those of GovCloud, which have none of the former.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const defaultModels = {
  commercial: "global.anthropic.claude-sonnet-5",
  govCloud: "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
} as const;

type Settings = Pick<CloudSettings, "models">;

/** The models of a deployment; the first is that of whoever names none. None at all where the list is there and empty. */
export const modelsOf = ({ models }: Settings, region: string | undefined): readonly string[] =>
  models ?? [region?.startsWith("us-gov-") ? defaultModels.govCloud : defaultModels.commercial];

/** The same where the region is not known yet, as while a stack is synthesized. */
export const modelsAnywhere = ({ models }: Settings): readonly string[] => models ?? Object.values(defaultModels);

/** The id of a model, said alone or with more of it; undefined for one of another provider than Bedrock. */
export function bedrockId(model: string | JsonObject | undefined): string | undefined {
  if (typeof model === "string") return model;
  const { provider = "bedrock", id } = model ?? {};
  return provider === "bedrock" && typeof id === "string" ? id : undefined;
}

/**
 * What an id or an ARN names on Bedrock: the inference profile, if it is one, and the model behind it, as far as its name
 * says that. Undefined for what can be no id of Bedrock's, which other services have.
 */
export function bedrockModel(model: string): { profile?: string; model?: string } | undefined {
  const named = /^arn:[^:]+:bedrock:[^:]*:[^:]*:([a-z-]+)\/(.+)$/.exec(model);
  if (named?.[1] === "foundation-model") return { model: named[2] ?? "" };
  if (named && named[1] !== "inference-profile") return { profile: model };
  const id = named?.[2] ?? model;
  const [, behind] = /^(?:[a-z]{2}|us-gov|apac|global)\.([a-z0-9-]+\..+)$/.exec(id) ?? [];
  if (behind !== undefined) return { profile: model, model: behind };
  if (named) return { profile: model };
  return /^[A-Za-z0-9-]+\.[A-Za-z0-9.:/_*-]{1,199}$/.test(model) ? { model } : undefined;
}
