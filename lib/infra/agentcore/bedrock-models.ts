import type { Configuration } from "../../contract/configuration.ts";

/** Only what looks like one: a profile's model may be any name that its framework knows. */
const idPattern = /^[A-Za-z0-9-]+\.[A-Za-z0-9.:/_*-]{1,199}$/;
const arnPattern = /^arn:[^:]+:bedrock:/;
/**
 * An inference profile over regions is named for where it is, then for the model.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const profilePattern = /^(?:[a-z]{2}|us-gov|apac|global)\.(.+)$/;

type Place = { partition: string; account: string; regions: readonly string[] };

/**
 * The ARNs that workers need to invoke the models of a configuration: those in `cloud.models` and those that profiles name.
 * An inference profile also needs its model, in whichever region Bedrock chooses.
 */
export function modelArns({ cloud, runtimes }: Configuration, place: Place): string[] {
  const ofProfiles = Object.values(runtimes).flatMap(({ model }) =>
    typeof model === "string" && (idPattern.test(model) || arnPattern.test(model)) ? [model] : [],
  );
  return [...new Set([...cloud.models, ...ofProfiles].flatMap((model) => arnsOf(model, place)))];
}

function arnsOf(model: string, { partition, account, regions }: Place): string[] {
  const anywhere = (name: string) => `arn:${partition}:bedrock:*::foundation-model/${name}`;
  if (arnPattern.test(model)) {
    const [, name] = profilePattern.exec(/:inference-profile\/(.+)$/.exec(model)?.[1] ?? "") ?? [];
    return name === undefined ? [model] : [model, anywhere(name)];
  }
  const [, name] = profilePattern.exec(model) ?? [];
  if (name === undefined)
    return regions.map((region) => `arn:${partition}:bedrock:${region}::foundation-model/${model}`);
  const profiles = regions.map((region) => `arn:${partition}:bedrock:${region}:${account}:inference-profile/${model}`);
  return [...profiles, anywhere(name)];
}
