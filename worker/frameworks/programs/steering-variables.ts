import { InvalidInputError } from "../../../lib/contract/errors.ts";
import { type BuiltInFramework, isClaimed } from "../../../lib/contract/frameworks.ts";

/**
 * Variables that decide for whatever program runs: which program a name means, what is loaded into it, where its settings
 * are, and by which way its requests go. Of Git's, those that say who commits decide nothing.
 */
const everywhere =
  /^(PATH|HOME|SHELL|ENV|IFS|BASH_.*|ZDOTDIR|(LD|DYLD|NODE|BUN|XDG|OPENSSL|SSL_CERT)_.*|GCONV_PATH|GLIBC_TUNABLES|RIPGREP_CONFIG_PATH|GIT_(?!AUTHOR_|COMMITTER_).*)$/;
const inAnyCase = /^(NPM_CONFIG_.*|.*_PROXY)$/i;
/** Further ones by which a program of ours is steered, and which a person's environment has no use for. */
const further: Partial<Record<BuiltInFramework, RegExp>> = {
  "claude-code": /^CLAUDE_/,
  gemini: /^CODE_ASSIST_/,
};

/**
 * Refuses variables of a caller's that would steer the program which holds somebody's credentials, as another endpoint for
 * them or another program of its name would. Throws InvalidInputError, which names each below `path`.
 */
export function refuseSteering(framework: BuiltInFramework, variables: Iterable<string>, path: string): void {
  const steers = (name: string) =>
    everywhere.test(name) ||
    inAnyCase.test(name) ||
    further[framework]?.test(name) === true ||
    isClaimed(framework, name);
  const issues = [...variables].filter(steers).map((name) => ({
    path: `${path}.${name.slice(0, 100)}`,
    message: `steers the program of ${framework}, so it is set in the environment of the backend's details alone`,
  }));
  if (issues.length > 0) throw new InvalidInputError(issues);
}
