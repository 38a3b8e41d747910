import { RefusedError } from "../lib/contract/errors.ts";
import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { clip } from "./parse.ts";

/** Variables that decide which program a name means, or what is loaded into it. */
const DECIDES_THE_PROGRAM = /^(PATH|LD_.*|DYLD_.*|BASH_ENV|ENV|IFS|NODE_OPTIONS)$/;

/**
 * Refuses a command that is not on the list, by the very word that names its program: `git` does not allow
 * `/tmp/git`, nor a PATH on which something else is called git.
 */
export function checkAllowed(
  allowlist: ReadonlySet<string> | undefined,
  program: string,
  env: Record<string, string>,
): void {
  if (!allowlist) return;
  if (!allowlist.has(program)) {
    throw new RefusedError("policy.denied", `this worker may not run ${JSON.stringify(clip(program, 200))}`, {
      hint: `the operator of the worker lists what it may run in ${environmentVariables.commandAllowlist}`,
    });
  }
  const name = Object.keys(env).find((each) => DECIDES_THE_PROGRAM.test(each));
  if (name === undefined) return;
  throw new RefusedError("policy.denied", `env.${name} may not be set where a list of allowed programs applies`);
}
