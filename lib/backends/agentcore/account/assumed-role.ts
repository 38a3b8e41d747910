import type { STSClient } from "@aws-sdk/client-sts";
import { failureOf, identityHint, isPassing } from "../../../aws/sdk-errors.ts";
import { DispatchError, RefusedError, RetryableError } from "../../../contract/errors.ts";

/** Asked by the account's own credentials, before any role is assumed. */
export type Tokens = typeof import("@aws-sdk/client-sts") & { client: STSClient };

export type AssumedCredentials = {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
};

type Role = { name: string; roleArn: string };

const SESSION_NAME = "agent-dispatch";
/** The SDK asks for new credentials five minutes before the old ones end, and must not be given the old ones again. */
const SPARE_MS = 6 * 60_000;

/**
 * Credentials of the role that an account profile names, shared by all its clients and renewed before they expire.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function assumedRole(role: Role, open: () => Promise<Tokens>): () => Promise<AssumedCredentials> {
  let latest: Promise<AssumedCredentials> | undefined;
  const renew = () => {
    const asked = assume(role, open);
    latest = asked;
    asked.catch(() => {
      if (latest === asked) latest = undefined;
    });
    return asked;
  };
  return async () => {
    const known = latest;
    if (!known) return renew();
    const credentials = await known;
    if (credentials.expiration.getTime() - Date.now() > SPARE_MS) return credentials;
    // Whoever came first renews for all.
    return latest === known || !latest ? renew() : latest;
  };
}

async function assume(role: Role, open: () => Promise<Tokens>): Promise<AssumedCredentials> {
  try {
    const { client, AssumeRoleCommand } = await open();
    const { Credentials } = await client.send(
      new AssumeRoleCommand({ RoleArn: role.roleArn, RoleSessionName: SESSION_NAME }),
    );
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = Credentials ?? {};
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration ?? new Date(),
    };
  } catch (error) {
    throw explain(error, role);
  }
}

/** Why the role could not be assumed. Whatever it is, nothing was sent with its credentials. */
function explain(error: unknown, { name, roleArn }: Role): DispatchError {
  if (error instanceof DispatchError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const what = `the role ${roleArn} of account profile ${name} could not be assumed: ${message}`;
  const details = { action: "sts:AssumeRole", roleArn, field: `accounts.${name}.roleArn` };
  const extra = { details, cause: error };
  const failure = failureOf(error);
  if (failure === "denied") {
    const caller = /User: (arn:\S+)/.exec(message)?.[1] ?? "the credentials of the control plane";
    return new RefusedError("platform.access_denied", what, {
      hint: `the trust policy of ${roleArn} must allow ${caller} sts:AssumeRole, and so must that caller's own policy; or change accounts.${name}.roleArn`,
      ...extra,
    });
  }
  if (failure === "credentials")
    return new RetryableError("platform.credentials", what, { hint: identityHint(error), ...extra });
  if (failure === "throttled") return new RetryableError("platform.throttled", what, extra);
  if (failure !== undefined && !isPassing(error)) return new RefusedError("platform.refused", what, extra);
  return new RetryableError("platform.unreachable", what, { hint: "check the region and the network", ...extra });
}
