import { type AccountProfile, profileIn, sourceProblem } from "./account.ts";
import { assumedRole, type Tokens } from "./assumed-role.ts";

type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date };
/** The part of a client's configuration that says who asks; without any the SDK looks in its usual places. */
type Asking = { profile?: string; credentials?: (options?: object) => Promise<Credentials> };

/** A profile of the shared files and nothing else: in its usual places the SDK might find somebody else for a wrong name. */
const ofProfile = (profile: string): Asking => ({
  profile,
  credentials: async (options) => (await import("@aws-sdk/credential-provider-ini")).fromIni({ profile })(options),
});

/**
 * Who asks AWS for an account profile: `source` is whom its `credentialSource` names, and `in(region)` the role to assume,
 * or the same again without one. A source that is not known is refused when it is first asked.
 */
export function identityOf(account: AccountProfile, tokens: (region: string) => Promise<Tokens>) {
  const problem = sourceProblem(account);
  const profile = profileIn(account.credentialSource);
  const source: Asking = problem
    ? { credentials: () => Promise.reject(problem) }
    : profile === undefined
      ? {}
      : ofProfile(profile);
  const { roleArn } = account;
  if (roleArn === undefined || problem) return { source, in: (): Asking => source };
  const byRegion = new Map<string, Asking>();
  return {
    source,
    in(region: string): Asking {
      const where = account.region ?? region;
      const asking = byRegion.get(where) ?? {
        credentials: assumedRole({ name: account.name, roleArn }, () => tokens(where)),
      };
      byRegion.set(where, asking);
      return asking;
    },
  };
}
