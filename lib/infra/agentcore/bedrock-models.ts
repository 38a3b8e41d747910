import { bedrockId, bedrockModel, modelsAnywhere } from "../../contract/cloud.ts";
import type { Configuration } from "../../contract/configuration.ts";

const arnPattern = /^arn:[^:]+:bedrock:/;

type Place = { partition: string; account: string; regions: readonly string[] };

/**
 * The ARNs that workers need to invoke the models of a configuration: those in `cloud.models` and those that profiles name.
 * An inference profile also needs its model, in whichever region Bedrock chooses.
 */
export function modelArns({ cloud, runtimes }: Configuration, place: Place): string[] {
  const ofProfiles = Object.values(runtimes).flatMap(({ model }) => {
    const id = bedrockId(model);
    // A profile's model may be any name that its framework knows.
    return id !== undefined && bedrockModel(id) ? [id] : [];
  });
  return [...new Set([...modelsAnywhere(cloud), ...ofProfiles].flatMap((model) => arnsOf(model, place)))];
}

function arnsOf(id: string, { partition, account, regions }: Place): string[] {
  const { profile, model } = bedrockModel(id) ?? { model: id };
  const anywhere = model === undefined ? [] : [`arn:${partition}:bedrock:*::foundation-model/${model}`];
  if (arnPattern.test(id)) return profile === undefined ? [id] : [id, ...anywhere];
  if (profile === undefined)
    return regions.map((region) => `arn:${partition}:bedrock:${region}::foundation-model/${id}`);
  return [
    ...regions.map((region) => `arn:${partition}:bedrock:${region}:${account}:inference-profile/${id}`),
    ...anywhere,
  ];
}
