import type { CloudSettings } from "./cloud.ts";

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
