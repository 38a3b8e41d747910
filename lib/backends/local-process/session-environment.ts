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
  // Read once: each look at `process.env` is a call of the system's.
  const here = { ...process.env };
  const ours = chosen(
    (name) =>
      inherited.test(name) ||
      name.startsWith(environmentVariables.frameworkCommandPrefix) ||
      forSessions.includes(name),
    here,
  );
  const general = { ...ours, ...configured };
  const isReplaced = framework !== undefined && commandFrameworks(general).includes(framework);
  const own = isReplaced ? {} : frameworkEnvironment(framework, here, { model, chosenBy: { ...here, ...configured } });
  return { ...own, ...general, ...givenNames(configured) };
}

/** An environment by allow-list; by default this process's. */
export function chosen(isChosen: (name: string) => boolean, environment = process.env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isChosen(entry[0]),
    ),
  );
}
