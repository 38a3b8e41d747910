import { environmentVariables } from "../../contract/execution-environment.ts";
import { commandFrameworks, frameworkEnvironment } from "../../contract/frameworks.ts";
import { givenNames } from "../worker-environment.ts";

/** What workers and jobs may see of this process's environment; everything else stays here. */
export const inherited = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|TERM|NODE_EXTRA_CA_CERTS)$/;
const forSessions: readonly string[] = [
  environmentVariables.commandAllowlist,
  environmentVariables.frameworkCommands,
  environmentVariables.logLevel,
];

export type SessionUse = {
  /** The agent framework that the session is for; without one it is for a command. */
  framework?: string | undefined;
  model?: unknown;
  /** What the configuration sets for the session. */
  configured?: Readonly<Record<string, string>> | undefined;
};

/**
 * What a session inherits: what all jobs may see, what its framework alone may see (the credentials of its models among it),
 * and what the configuration sets. A command that was configured under the name of a framework of ours is another framework.
 */
export function sessionEnvironment({ framework, model, configured }: SessionUse): Record<string, string> {
  const ours = chosen(
    (name) =>
      inherited.test(name) ||
      name.startsWith(environmentVariables.frameworkCommandPrefix) ||
      forSessions.includes(name),
  );
  const general = { ...ours, ...configured };
  const isReplaced = framework !== undefined && commandFrameworks(general).includes(framework);
  const chosenBy = { ...process.env, ...configured };
  const own = isReplaced ? {} : frameworkEnvironment(framework, process.env, { model, chosenBy });
  return { ...own, ...general, ...givenNames(configured) };
}

/** This process's environment by allow-list. */
export function chosen(isChosen: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isChosen(entry[0]),
    ),
  );
}
