/** The names that callers may write in camelCase too, each with the one that is listed. */
export const aliases = {
  runtimeArn: "runtime_arn",
  ecrImageUri: "ecr_image_uri",
  executionRoleArn: "execution_role_arn",
  environmentVariables: "environment_variables",
} as const;
