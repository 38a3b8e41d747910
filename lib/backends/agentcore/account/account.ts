import { type Configuration, own } from "../../../contract/configuration.ts";
import { RefusedError } from "../../../contract/errors.ts";

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
