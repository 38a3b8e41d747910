import { RefusedError, RetryableError } from "../../contract/errors.ts";
import { CredentialSource } from "./credentials.ts";
import { clientConfig } from "./outgoing.ts";

type Env = Readonly<Record<string, string | undefined>>;
export type Identity = { arn: string; account: string };

/** Where STS is asked when nothing names a region: it answers for all of them. */
const ANY_REGION = "us-east-1";
const REFUSED = /ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature/;

/**
 * Whose the credentials are that would open a door. Needs no permission. Throws RefusedError `endpoint.unauthenticated`, or
 * RetryableError `endpoint.unreachable`. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function callerIdentity(
  { region, profile }: { region?: string | undefined; profile?: string | undefined },
  env: Env,
): Promise<Identity> {
  const source = new CredentialSource(profile, env);
  const credentials = await source.get();
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const where = region || env.AWS_REGION || env.AWS_DEFAULT_REGION || ANY_REGION;
  const client = new STSClient({ ...clientConfig, region: where, credentials, maxAttempts: 2 });
  try {
    const { Arn = "", Account = "" } = await client.send(new GetCallerIdentityCommand({}));
    return { arn: Arn, account: Account };
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    if (REFUSED.test(name))
      throw new RefusedError("endpoint.unauthenticated", `AWS refuses the credentials: ${name}`, {
        hint: source.hint,
        cause: error,
      });
    throw new RetryableError("endpoint.unreachable", `AWS STS does not say whose the credentials are: ${name}`, {
      hint: "look at the network, or name another region with --region",
      cause: error,
    });
  } finally {
    client.destroy();
  }
}
