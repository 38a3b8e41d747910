import { type Configuration, own } from "../../../contract/configuration.ts";
import { RefusedError } from "../../../contract/errors.ts";
import { assumedRole } from "./assumed-role.ts";
import type { Tokens } from "./clients.ts";

/** An account profile of the configuration, as far as it says who asks AWS. */
export type AccountProfile = { name: string; credentialSource: string; roleArn?: string; region?: string };

const SDK_CHAIN = "aws-sdk-default";

/** The profile of the shared files that a credential source names; undefined for any other source. */
export const profileIn = (credentialSource: string): string | undefined =>
  /^profile:(\S.*)$/.exec(credentialSource)?.[1];

/** The account profile of that name; one that is not there any more asks with what the SDK finds. */
export function accountProfile({ accounts }: Configuration, name: string): AccountProfile {
  const { credentialSource = SDK_CHAIN, roleArn, region } = own(accounts, name) ?? {};
  return {
    name,
    credentialSource,
    ...(roleArn !== undefined && { roleArn }),
    ...(region !== undefined && { region }),
  };
}

/** The name of the account that a role's ARN, or any other, belongs to. */
export const accountIn = (arn: string): string | undefined => /^arn:[^:]+:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1];

/** What is wrong with where an account profile takes its credentials from; undefined when nothing is. */
export function sourceProblem({ name, credentialSource }: AccountProfile): RefusedError | undefined {
  if (credentialSource === SDK_CHAIN || profileIn(credentialSource) !== undefined) return undefined;
  return new RefusedError(
    "account_profile.credential_source_unknown",
    `accounts.${name}.credentialSource is ${JSON.stringify(credentialSource)}, which is not known`,
    {
      hint: `set accounts.${name}.credentialSource to ${SDK_CHAIN}, or to profile:<name> for a profile of ~/.aws/config`,
      details: { accountProfile: name, allowed: [SDK_CHAIN, "profile:<name>"] },
    },
  );
}

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
