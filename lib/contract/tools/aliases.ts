/** What names a target: the name that adapters read, and the one that is listed. */
const ofTargets = {
  runtimeArn: "runtime_arn",
  ecrImageUri: "ecr_image_uri",
  executionRoleArn: "execution_role_arn",
} as const;

/** The names that callers may write in camelCase too, each with the one that is listed. */
export const aliases = { ...ofTargets, environmentVariables: "environment_variables" } as const;

/** The names under which adapters read what names a target, by the listed ones. */
export const targetNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ofTargets).map(([read, listed]) => [listed, read]),
);
