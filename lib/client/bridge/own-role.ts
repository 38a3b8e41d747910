/** What names another identity than the role of the container. */
const others = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_ROLE_ARN",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/**
 * Takes away every other identity than that of the container, by which alone the agent of a task is known: whoever dispatched the
 * task may have given its agent one for something else.
 */
export function keepOwnRole(env: NodeJS.ProcessEnv): void {
  for (const name of others) delete env[name];
}
